package apply

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestAVerdictHoldsForTheVeryObjectsItWasGivenOn(t *testing.T) {
	start := time.Now()
	account := func(alter func(*corev1.ServiceAccount)) *corev1.ServiceAccount {
		object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "mybot-bot", UID: "uid", ResourceVersion: "7"}}
		alter(object)
		return object
	}
	same := func(*corev1.ServiceAccount) {}
	for sentence, tc := range map[string]struct {
		live, desired func(*corev1.ServiceAccount)
		want          bool
	}{
		"the same":                     {same, same, true},
		"the live one was changed":     {func(o *corev1.ServiceAccount) { o.ResourceVersion = "8" }, same, false},
		"the live one was replaced":    {func(o *corev1.ServiceAccount) { o.UID = "other" }, same, false},
		"it is another's":              {func(o *corev1.ServiceAccount) { o.Name = "other-bot" }, same, false},
		"it is another namespace's":    {func(o *corev1.ServiceAccount) { o.Namespace = "other" }, same, false},
		"something else is wanted":     {same, func(o *corev1.ServiceAccount) { o.Labels = map[string]string{"a": "b"} }, false},
		"a field less is wanted of it": {same, func(o *corev1.ServiceAccount) { o.UID = "" }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			given, err := question(account(same))
			if err != nil {
				t.Fatal(err)
			}
			asked, err := question(account(tc.desired))
			if err != nil {
				t.Fatal(err)
			}
			v := newVerdicts()
			v.note(account(same), account(same), given, start)
			live := account(tc.live)
			desired := account(tc.desired)
			desired.Namespace, desired.Name = live.Namespace, live.Name
			if got := v.stands(live, desired, asked, start); got != tc.want {
				t.Errorf("stands = %v, want %v", got, tc.want)
			}
		})
	}
}

// Of a kind whose spec the API server counts the changes of, a verdict outlives a new
// status, and nothing else.
func TestAVerdictOutlivesANewStatus(t *testing.T) {
	deployment := func(alter func(*appsv1.Deployment)) *appsv1.Deployment {
		object := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
			Namespace: "bots", Name: "mybot-bot-0", UID: "uid", ResourceVersion: "7", Generation: 1,
			Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
			OwnerReferences: []metav1.OwnerReference{{UID: "owner", Controller: ptr.To(true)}},
		}}
		alter(object)
		object.ResourceVersion = "8"
		return object
	}
	for sentence, tc := range map[string]struct {
		alter func(*appsv1.Deployment)
		want  bool
	}{
		"a new status":           {func(o *appsv1.Deployment) { o.Status.Replicas = 1 }, true},
		"a new spec":             {func(o *appsv1.Deployment) { o.Generation = 2 }, false},
		"another label":          {func(o *appsv1.Deployment) { o.Labels["a"] = "x" }, false},
		"another annotation":     {func(o *appsv1.Deployment) { o.Annotations["c"] = "x" }, false},
		"another digest":         {func(o *appsv1.Deployment) { o.Annotations[HashAnnotation] = "x" }, false},
		"no such label":          {func(o *appsv1.Deployment) { o.Labels = nil }, false},
		"what others note on it": {func(o *appsv1.Deployment) { o.Labels["e"], o.Annotations["e"] = "f", "f" }, true},
		"another owner":          {func(o *appsv1.Deployment) { o.OwnerReferences[0].UID = "other" }, false},
		"no longer the master's": {func(o *appsv1.Deployment) { o.OwnerReferences[0].Controller = nil }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			var asked [32]byte
			v := newVerdicts()
			same := deployment(func(*appsv1.Deployment) {})
			v.note(same, same, asked, time.Now())
			if got := v.stands(deployment(tc.alter), same, asked, time.Now()); got != tc.want {
				t.Errorf("stands = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestVerdictsThatNobodyAsksForAreForgotten(t *testing.T) {
	start := time.Now()
	v := newVerdicts()
	var asked [32]byte
	one := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "one"}}
	other := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "other"}}
	v.note(one, one, asked, start)
	v.note(other, other, asked, start)
	if !v.stands(one, one, asked, start.Add(verdictMemory)) {
		t.Error("a verdict that is asked for was forgotten")
	}
	v.note(&corev1.ServiceAccount{}, &corev1.ServiceAccount{}, asked, start.Add(verdictMemory+time.Minute))
	if _, kept := v.known[keyOf(one)]; !kept || len(v.known) != 2 {
		t.Errorf("%d verdicts are kept, want the new one and the one asked for", len(v.known))
	}
}
