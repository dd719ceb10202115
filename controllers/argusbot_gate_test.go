package controllers

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
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

// A cluster in a crash loop whose Deployment is gone has nothing that could be stopped.
func TestALoopWithoutADeploymentEndangersNothing(t *testing.T) {
	now := time.Now()
	starts := []int64{now.Unix() - 2, now.Unix() - 1, now.Unix()}
	ledger := &rollout.Ledger{Spent: map[int64]int{now.Unix() / 3600: 29}, Clusters: map[string]rollout.Entry{"b/0": {Starts: starts}}}
	stands := clusterScope{key: "b/0", shards: manifests.ShardRange{Last: 1}, live: deploymentWith(0)}
	gone := stands
	gone.live = nil
	for cluster, endangers := range map[*clusterScope]int{&stands: 1, &gone: 0} {
		plan := &rollout.Plan{
			Now: now, MaxUnavailable: 1, Protect: true, Budget: rollout.Budget{Limit: 30, MaxConcurrency: 1, Largest: 2, Ledger: ledger},
			Steps: []rollout.Step{cluster.step(ledger, 30, now)},
		}
		if d := rollout.Decide(plan); len(d.Protect) != endangers || len(d.Start) > 0 {
			t.Errorf("of %+v it decides %+v", plan.Steps, d)
		}
	}
}

// A cluster that is somebody else's proves no revision; one that could not be read may be
// down. Neither is touched.
func TestAnUntouchableClusterIsNoCanary(t *testing.T) {
	now := time.Now()
	ledger := &rollout.Ledger{Spent: map[int64]int{}, Clusters: map[string]rollout.Entry{}}
	old := clusterScope{live: deploymentWith(1), revision: "new", shards: manifests.ShardRange{First: 1, Last: 1}}
	for sentence, tc := range map[string]struct {
		first clusterScope
		start int
	}{
		"somebody else's": {clusterScope{foreign: true}, 1},
		"unread":          {clusterScope{unread: true}, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			plan := &rollout.Plan{Now: now, MaxUnavailable: 2, Budget: rollout.Budget{Limit: 1000, MaxConcurrency: 100, Largest: 1, Ledger: ledger}}
			for i, cluster := range []clusterScope{tc.first, old, old} {
				cluster.key = manifests.Identity("b", i)
				plan.Steps = append(plan.Steps, cluster.step(ledger, 1000, now))
			}
			if d := rollout.Decide(plan); len(d.Start) != tc.start || len(d.Write) != tc.start {
				t.Errorf("it starts %v, want %d", d.Start, tc.start)
			}
			plan.Hibernate = true
			if d := rollout.Decide(plan); len(d.Stop) != 2 {
				t.Errorf("to sleep it stops %v, want the other two", d.Stop)
			}
		})
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
