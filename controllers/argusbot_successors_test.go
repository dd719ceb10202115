package controllers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// process is a pod whose container has run since it was made.
func process(uid types.UID, since time.Time) corev1.Pod {
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(since)}}
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: uid, CreationTimestamp: metav1.NewTime(since)},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: manifests.BotContainer, State: state}}},
	}
}

// written is a Deployment as the operator wrote it.
func written(revision, image string, at time.Time) *appsv1.Deployment {
	deployment := deploymentWith(1)
	deployment.Annotations = map[string]string{"argus.dev/revision": revision}
	deployment.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: v1alpha1.FieldOwner, Time: ptr.To(metav1.NewTime(at))}}
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: manifests.BotContainer, Image: image}}
	return deployment
}

// The pods that stand make way for another revision, and for nothing else.
func TestPodsMakeWayForAnotherRevision(t *testing.T) {
	old, now := written("old", "bot:v1", noon), noon.Add(time.Hour)
	pods := []corev1.Pod{process("older", noon), process("newer", now.Add(time.Second))}
	both := []types.UID{"older", "newer"}
	for sentence, tc := range map[string]struct {
		live  *appsv1.Deployment
		asked string
		want  []types.UID
	}{
		"another revision":                      {written("new", "bot:v2", now.Add(time.Minute)), "new", nil},
		"it was written already, and read late": {written("new", "bot:v2", now), "new", []types.UID{"newer"}},
		"the spec has gone back to what it was": {written("new", "bot:v2", now.Add(time.Minute)), "old", both},
		"one that is the same to Kubernetes":    {written("new", "bot:v1", now.Add(time.Minute)), "new", both},
		"what was changed by hand is put right": {written("old", "bot:v2", now.Add(time.Minute)), "old", both},
	} {
		t.Run(sentence, func(t *testing.T) {
			cluster := with(clusterScope{key: "b/0", revision: tc.asked}, pods...)
			s := scopeOf(v1alpha1.ArgusBotSpec{}, cluster)
			s.memory.revised(&cluster, old, tc.live)
			var got []types.UID
			for _, pod := range s.successors(&cluster) {
				got = append(got, pod.UID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("pods that may work, -want +got\n%s", diff)
			}
		})
	}
}

// A pod that makes way opens no gate, although the Deployment is known to run its
// successor already: the pods are watched apart from it.
func TestAPodThatMakesWayOpensNoGate(t *testing.T) {
	now := noon.Add(time.Hour)
	r := &ArgusBotReconciler{Base: Base{Now: func() time.Time { return now }}}
	older, newer := process("older", noon), process("newer", now)
	for sentence, tc := range map[string]struct {
		seen       []corev1.Pod
		registered time.Time
		done       bool
	}{
		"only the old one is known":       {[]corev1.Pod{older}, noon, false},
		"both are, and the new one works": {[]corev1.Pod{older, newer}, now, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			cluster := clusterScope{stands: true, live: deploymentWith(1), revision: "new", key: "b/0", shards: manifests.ShardRange{Last: 1}}
			cluster.fleet = &fleetapi.ClusterStatus{
				Status: fleetapi.StatusUp, RegisteredAt: tc.registered, ValuesAt: ptr.To(now.Add(time.Second)), ShardsUp: 2, ShardsTotal: 2,
			}
			s := scopeOf(v1alpha1.ArgusBotSpec{}, with(cluster, tc.seen...))
			s.target, s.answer = &manifests.FleetTarget{IntervalSeconds: 15}, FleetAnswer{Asked: true}
			standing := with(cluster, older)
			s.memory.revised(&standing, written("old", "bot:v1", noon), written("new", "bot:v2", now))
			r.judgeClusters(s)
			if got := &s.clusters[0]; got.done != tc.done || !got.done && got.gate != "the new process has not registered" {
				t.Errorf("done is %v, and %q is missing", got.done, got.gate)
			}
		})
	}
}
