package controllers

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// A control plane that has just failed to answer opens no gate, and what has worked counts
// as working; one that has been away for some beats lets ready pods do.
func TestAControlPlaneThatDoesNotAnswerIsWaitedFor(t *testing.T) {
	now := time.Now()
	r := &ArgusBotReconciler{Base: Base{Now: func() time.Time { return now }}}
	for sentence, tc := range map[string]struct {
		failing           time.Duration
		provenOnce, other bool
		wake              time.Duration
	}{
		"for a moment":     {time.Second, true, false, 44 * time.Second},
		"for three beats":  {45 * time.Second, true, true, 0},
		"nobody knows how": {now.Sub(time.Time{}), true, true, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			ready := clusterScope{stands: true, live: deploymentWith(1), revision: "new"}
			s := scopeOf(v1alpha1.ArgusBotSpec{}, ready, ready)
			s.target = &manifests.FleetTarget{IntervalSeconds: 15}
			s.answer = FleetAnswer{Asked: true, Err: errors.New("no answer"), FailingSince: now.Add(-tc.failing)}
			s.clusters[0].key, s.clusters[1].key = "b/0", "b/1"
			s.book.ledger.Prove(now, "b/0", "new")
			r.judgeClusters(s)
			if s.clusters[0].done != tc.provenOnce || s.clusters[1].done != tc.other {
				t.Errorf("the one that has worked: %v, the other: %v", s.clusters[0].done, s.clusters[1].done)
			}
			if s.book.ledger.Proven("b/1", "new") != tc.other {
				t.Error("the ledger says otherwise of the other")
			}
			if want := now.Add(tc.wake); tc.wake > 0 && !s.wake.Equal(want) {
				t.Errorf("it is looked at again at %s, want %s", s.wake, want)
			}
		})
	}
}

// A pod that makes way for another opens no gate, although the Deployment is known to run
// the new one already: the pods are watched apart from it.
func TestAPodThatMakesWayOpensNoGate(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := noon.Add(time.Hour)
	r := &ArgusBotReconciler{Base: Base{Now: func() time.Time { return now }}}
	process := func(uid types.UID, since time.Time) corev1.Pod {
		state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(since)}}
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{UID: uid},
			Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: manifests.BotContainer, State: state}}},
		}
	}
	older, newer := process("older", noon), process("newer", now)
	for sentence, tc := range map[string]struct {
		pods       []corev1.Pod
		registered time.Time
		done       bool
	}{
		"only the old one is known":                   {[]corev1.Pod{older}, noon, false},
		"both are, and the old one was heard last":    {[]corev1.Pod{older, newer}, noon, false},
		"both are, and the new one was heard":         {[]corev1.Pod{older, newer}, now, true},
		"the old one is forgotten, the new one heard": {[]corev1.Pod{newer}, now, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			cluster := clusterScope{stands: true, live: deploymentWith(1), revision: "new", key: "b/0", shards: manifests.ShardRange{Last: 1}}
			cluster.fleet = &fleetapi.ClusterStatus{
				Status: fleetapi.StatusUp, RegisteredAt: tc.registered, ValuesAt: ptr.To(now.Add(time.Second)), ShardsUp: 2, ShardsTotal: 2,
			}
			s := scopeOf(v1alpha1.ArgusBotSpec{}, with(cluster, tc.pods...))
			s.target, s.answer = &manifests.FleetTarget{IntervalSeconds: 15}, FleetAnswer{Asked: true}
			s.memory.revised(new(with(cluster, older)))
			r.judgeClusters(s)
			if got := &s.clusters[0]; got.done != tc.done || !got.done && got.gate != "the new process has not registered" {
				t.Errorf("done is %v, and %q is missing", got.done, got.gate)
			}
		})
	}
}

// A Deployment that somebody has scaled up has its surplus taken away at once, whatever
// the budget and the pods that stand say.
func TestSurplusPodsAreTakenAwayAtOnce(t *testing.T) {
	live := deploymentWith(2)
	live.Spec.Replicas = ptr.To[int32](2)
	live.Status.Replicas, live.Status.UpdatedReplicas = 2, 2
	cluster := with(clusterScope{key: "b/0", drifted: true, live: live}, corev1.Pod{}, corev1.Pod{})
	now := time.Now()
	ledger := &rollout.Ledger{Spent: map[int64]int{now.Unix() / 3600: 1000}, Clusters: map[string]rollout.Entry{}}
	plan := &rollout.Plan{
		Now: now, MaxUnavailable: 1, Budget: rollout.Budget{Limit: 1000, MaxConcurrency: 1, Ledger: ledger},
		Steps: []rollout.Step{cluster.step(ledger, 1000, now)},
	}
	if d := rollout.Decide(plan); len(d.Write) != 1 || len(d.Start) != 0 {
		t.Errorf("it decides %+v", d)
	}
}

// While everything rests, a wish is not taken for granted that nobody follows.
func TestAResetIsKeptWhileEverythingRests(t *testing.T) {
	r := &ArgusBotReconciler{Base: Base{Now: time.Now}}
	for sentence, tc := range map[string]struct {
		suspend *v1alpha1.SuspendMode
		reset   string
	}{
		"nothing rests":    {nil, "once"},
		"rollouts rest":    {ptr.To(v1alpha1.SuspendRollouts), "once"},
		"everything rests": {ptr.To(v1alpha1.SuspendAll), ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := scopeOf(v1alpha1.ArgusBotSpec{Suspend: tc.suspend, Sharding: v1alpha1.Sharding{Total: 1, Clusters: ptr.To[int32](1)}}, worksAsWanted)
			s.memory = &memory{}
			s.bot.Annotations = map[string]string{v1alpha1.AnnotationResetCrashLoop: "once"}
			s.book.config = &corev1.ConfigMap{}
			s.book.ledger.Stop(time.Now(), "/0", "new")
			r.debitStarts(s, s.book)
			if s.reset != tc.reset || s.book.ledger.Stopped("/0", "new") != (tc.reset == "") {
				t.Errorf("handled is %q, and the cluster is still stopped: %v", s.reset, s.book.ledger.Stopped("/0", "new"))
			}
		})
	}
}
