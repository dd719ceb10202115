//go:build apiserver

package apiserver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// The Secrets that are handed out are put right like everything else, although no watch
// tells of them, and what others have added to them stays.
func TestHandedOutSecretsAreHealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	runningBot(w)
	data := func(name string) map[string][]byte { return get(w, name, &corev1.Secret{}).Data }
	before := map[string]string{}
	for _, name := range []string{"main-fleet-member", "main-fleet-viewer"} {
		before[name] = string(data(name)[tokens.KeyToken])
	}
	if err := admin.Delete(w.ctx, get(w, "main-fleet-member", &corev1.Secret{})); err != nil {
		t.Fatal(err)
	}
	change(w, "main-fleet-viewer", &corev1.Secret{}, func(s *corev1.Secret) {
		s.Data = map[string][]byte{tokens.KeyToken: []byte("somebody's"), "note": []byte("theirs")}
	})
	w.eventually(func() string {
		if problem := w.exists("main-fleet-member", &corev1.Secret{}); problem != "" {
			return problem
		}
		now := map[string]string{}
		for name := range before {
			now[name] = string(data(name)[tokens.KeyToken])
		}
		return cmp.Diff(before, now)
	})
	if string(data("main-fleet-viewer")["note"]) != "theirs" {
		t.Error("a foreign key was taken away")
	}
	w.quietly()
}

// A server Secret that has lost a key waits for a person: what is made anew there would
// lock out every member, or void every lease.
func TestAServerSecretThatHasLostAKeyIsNotFilledUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet, _ := runningBot(w)
	whole := get(w, "main-fleet-server", &corev1.Secret{}).Data
	change(w, "main-fleet-server", &corev1.Secret{}, func(s *corev1.Secret) {
		delete(s.Data, tokens.KeyPepper)
		s.Data[tokens.KeyViewer] = []byte(" , ")
	})
	stalled := w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretInvalid)
	if want := `Secret "main-fleet-server" has lost viewer-token, secret-pepper: put it back; nothing is generated over an existing Secret`; stalled.Message != want {
		t.Errorf("the message is %q\n         want %q", stalled.Message, want)
	}
	w.poke(fleet)
	change(w, "main-fleet", &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
	operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 2, 60))
	w.eventually(func() string {
		replicas, shown := *get(w, "main-fleet", &appsv1.Deployment{}).Spec.Replicas, get(w, "main", fleet).Status.Display.Clusters
		if replicas != 1 || shown != "1/1" {
			return fmt.Sprintf("what runs is no longer looked after: %d replicas, %s clusters", replicas, shown)
		}
		return ""
	})
	w.playKubelet("main-fleet", true)
	change(w, "main-fleet-server", &corev1.Secret{}, func(s *corev1.Secret) { s.Data = whole })
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	if diff := cmp.Diff(whole, get(w, "main-fleet-server", &corev1.Secret{}).Data); diff != "" {
		t.Error("the Secret is another one than before")
	}
}

// What the API server refuses is told in its own words, which stay the same, and holds
// up nothing once the spec is mended.
func TestAnObjectThatTheAPIServerRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Pod = &v1alpha1.Pod{ServiceAccount: &v1alpha1.PodServiceAccount{Name: ptr.To("Not_A_Name")}}
	w.create(fleet)
	stalled := w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonApplyFailed)
	for _, words := range []string{"Not_A_Name", "lowercase RFC 1123 subdomain"} {
		if !strings.Contains(stalled.Message, words) {
			t.Errorf("the message %q does not hold %q", stalled.Message, words)
		}
	}
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Pod = nil })
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
}

// An ArgusFleet and an ArgusBot of the same name want no object of each other.
func TestTheTwoKindsNeverCollide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet, bot := newFleet("same"), newBot("same", "same", 2, 2)
	w.create(discordSecret(), fleet, bot)
	for _, name := range []string{"same-fleet", "same-bot-0", "same-bot-1"} {
		w.playKubelet(name, true)
	}
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	var deployments appsv1.DeploymentList
	if err := admin.List(w.ctx, &deployments, client.InNamespace(w.namespace)); err != nil {
		t.Fatal(err)
	}
	owners := map[string]string{}
	for i := range deployments.Items {
		owners[deployments.Items[i].Name] = metav1.GetControllerOf(&deployments.Items[i]).Kind
	}
	want := map[string]string{"same-fleet": "ArgusFleet", "same-bot-0": "ArgusBot", "same-bot-1": "ArgusBot"}
	if diff := cmp.Diff(want, owners); diff != "" {
		t.Errorf("owners (-want +got)\n%s", diff)
	}
}
