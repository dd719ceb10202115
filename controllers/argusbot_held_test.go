package controllers

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// readyPod is one that is ready, and whose container has started once.
func readyPod() corev1.Pod {
	pod := podWith(corev1.ContainerStatus{Name: "bot", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, Ready: true})
	pod.UID = "new"
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})
	return pod
}

func TestNewsIsHeldWhileAReadyPodDoesNotCount(t *testing.T) {
	now := time.Unix(1000, 0)
	r := &ArgusBotReconciler{Base: Base{Now: func() time.Time { return now }}}
	leaving := readyPod()
	leaving.DeletionTimestamp = ptr.To(metav1.Now())
	for sentence, tc := range map[string]struct {
		cluster clusterScope
		want    bool
	}{
		"no pod":                            {startsNow, false},
		"a pod that is not ready":           {with(startsNow, podWith(corev1.ContainerStatus{})), false},
		"a pod that is ready":               {with(startsNow, readyPod()), true},
		"a ready pod that leaves":           {with(startsNow, leaving), false},
		"a ready pod that counts":           {with(worksAsWanted, readyPod()), false},
		"a pod of no Deployment of today's": {with(comesFirst, readyPod()), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := scopeOf(v1alpha1.ArgusBotSpec{}, worksAsWanted, tc.cluster)
			s.memory = &memory{}
			if got := r.holds(s); got != tc.want {
				t.Errorf("held: %v, want %v", got, tc.want)
			}
			if ends := now.Add(heldAtMost); s.wake.Equal(ends) != tc.want {
				t.Errorf("it is looked at again at %s", s.wake)
			}
		})
	}
	s := scopeOf(v1alpha1.ArgusBotSpec{}, with(startsNow, readyPod()))
	s.memory = &memory{heldSince: now.Add(-heldAtMost)}
	if r.holds(s) {
		t.Error("news is held for ever")
	}
	s.clusters[0] = worksAsWanted
	if r.holds(s); !s.memory.heldSince.IsZero() {
		t.Error("a cluster that has arrived does not end what is held for it")
	}
}

func TestOnlyGoodNewsCanWait(t *testing.T) {
	status := func(change func(*v1alpha1.ArgusBotStatus)) *v1alpha1.ArgusBotStatus {
		s := &v1alpha1.ArgusBotStatus{
			ObservedGeneration: 3, UpdateRevision: "a", Guilds: ptr.To[int64](10),
			Clusters: &v1alpha1.BotClusters{Desired: 2, Ready: 1, Up: 1}, Display: &v1alpha1.BotDisplay{Shards: "2/4"},
			Shards: &v1alpha1.BotShards{Desired: 4, Up: 2}, Identify: &v1alpha1.BotIdentify{Limit: 1000, Used24h: 2},
			ClusterStatuses: []v1alpha1.BotClusterStatus{
				{ID: "b-0", Ready: true, Up: ptr.To(true)}, {ID: "b-1", Reason: v1alpha1.ReasonProgressing, Up: ptr.To(false)},
			},
		}
		for kind, reason := range map[string]string{
			v1alpha1.ConditionReady: v1alpha1.ReasonProgressing, v1alpha1.ConditionFleetJoined: v1alpha1.ReasonWaiting,
		} {
			meta.SetStatusCondition(&s.Conditions, metav1.Condition{
				Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: "waiting for b-1", ObservedGeneration: 3,
			})
		}
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionIdentifyBudget, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonWithinBudget, ObservedGeneration: 3,
		})
		change(s)
		return s
	}
	condition := func(kind string, status metav1.ConditionStatus, reason string, generation int64) func(*v1alpha1.ArgusBotStatus) {
		return func(s *v1alpha1.ArgusBotStatus) {
			meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason, ObservedGeneration: generation})
		}
	}
	for sentence, tc := range map[string]struct {
		change func(*v1alpha1.ArgusBotStatus)
		want   bool
	}{
		"nothing":   {func(*v1alpha1.ArgusBotStatus) {}, true},
		"a message": {func(s *v1alpha1.ArgusBotStatus) { s.Conditions[0].Message = "another" }, true},
		"a cluster that has joined": {func(s *v1alpha1.ArgusBotStatus) {
			s.ClusterStatuses[1].Up, s.ClusterStatuses[1].Number = ptr.To(true), 7
		}, true},
		"more shards":                  {func(s *v1alpha1.ArgusBotStatus) { s.Shards.Up, s.Display.Shards = 4, "4/4" }, true},
		"more guilds":                  {func(s *v1alpha1.ArgusBotStatus) { s.Guilds = ptr.To[int64](20) }, true},
		"another start":                {func(s *v1alpha1.ArgusBotStatus) { s.Identify.Used24h = 4 }, true},
		"what comes true":              {condition(v1alpha1.ConditionFleetJoined, "True", v1alpha1.ReasonJoined, 3), true},
		"another reason":               {condition(v1alpha1.ConditionFleetJoined, "False", v1alpha1.ReasonNeverRegistered, 3), false},
		"nobody knows any more":        {condition(v1alpha1.ConditionFleetJoined, "Unknown", v1alpha1.ReasonUnreachable, 3), false},
		"a request has failed":         {condition(v1alpha1.ConditionReady, "Unknown", v1alpha1.ReasonRequestFailed, 3), false},
		"true for another reason":      {condition(v1alpha1.ConditionIdentifyBudget, "True", v1alpha1.ReasonLimitsDiffer, 3), false},
		"a new condition":              {condition(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonRolloutFailed, 3), false},
		"a condition of another spec":  {condition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonProgressing, 4), false},
		"another spec":                 {func(s *v1alpha1.ArgusBotStatus) { s.ObservedGeneration = 4 }, false},
		"another goal":                 {func(s *v1alpha1.ArgusBotStatus) { s.UpdateRevision = "b" }, false},
		"fewer shards":                 {func(s *v1alpha1.ArgusBotStatus) { s.Shards.Up, s.Display.Shards = 1, "1/4" }, false},
		"a cluster that is lost":       {func(s *v1alpha1.ArgusBotStatus) { s.ClusterStatuses[0].Ready = false }, false},
		"a cluster that beats no more": {func(s *v1alpha1.ArgusBotStatus) { s.ClusterStatuses[0].Up = ptr.To(false) }, false},
		"a cluster in trouble":         {func(s *v1alpha1.ArgusBotStatus) { s.ClusterStatuses[1].Reason = "ImagePullBackOff" }, false},
		"a cluster more": {func(s *v1alpha1.ArgusBotStatus) {
			s.ClusterStatuses = append(s.ClusterStatuses, v1alpha1.BotClusterStatus{})
		}, false},
		"no starts for a while": {func(s *v1alpha1.ArgusBotStatus) { s.Identify.NextFree = ptr.To(metav1.Now()) }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := canWait(status(func(*v1alpha1.ArgusBotStatus) {}), status(tc.change)); got != tc.want {
				t.Errorf("it can wait: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAMessageIsATurnWhereNothingIsOnItsWay(t *testing.T) {
	for reason, want := range map[string]bool{v1alpha1.ReasonWaiting: false, v1alpha1.ReasonNeverRegistered: true} {
		was := metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: "b-0"}
		now := was
		now.Message = "b-0, b-1"
		if got := turns(was, now); got != want {
			t.Errorf("%s of another cluster, too, is a turn: %v, want %v", reason, got, want)
		}
	}
}

// That a start that was paid for has happened is entered with the next thing that is,
// and is not forgotten meanwhile, pod or no pod.
func TestALedgerThatOwesNothingWaits(t *testing.T) {
	now := time.Unix(100_000, 0)
	r := &ArgusBotReconciler{Base: Base{Now: func() time.Time { return now }}}
	shards := rollout.Range{Count: 2}
	paid := &rollout.Ledger{Spent: map[int64]int{}, Clusters: map[string]rollout.Entry{}}
	paid.Start(now, "b/0", "v1", shards)
	scope := func(restarts int) *botScope {
		s := scopeOf(v1alpha1.ArgusBotSpec{}, with(startsNow, readyPod()))
		s.memory = &memory{entered: true}
		s.book.stands, s.book.text = true, paid.String()
		s.book.config = &corev1.ConfigMap{Data: map[string]string{manifests.IdentifyLedgerKey: s.book.text}}
		s.book.ledger, _ = rollout.ParseLedger(s.book.text)
		s.book.ledger.Observe(now, "b/0", shards, []rollout.Pod{{UID: "new", CreatedAt: now, Started: true, Restarts: restarts}}, 0)
		return s
	}
	for sentence, tc := range map[string]struct {
		scope func() *botScope
		want  bool
	}{
		"a start that was paid for":        {func() *botScope { return scope(0) }, true},
		"one that was not":                 {func() *botScope { return scope(1) }, false},
		"one of a token that is shared":    {func() *botScope { s := scope(0); s.book.sharing = make([]v1alpha1.ArgusBot, 2); return s }, false},
		"a cluster that has proved itself": {func() *botScope { s := scope(0); s.book.ledger.Prove(now, "b/0", "r"); return s }, false},
		"a cluster to be stopped":          {func() *botScope { s := scope(0); s.decision.Stop = []int{0}; return s }, false},
		"another start to be paid":         {func() *botScope { s := scope(0); s.decision.Start = []int{1}; return s }, false},
		"a cluster to be protected":        {func() *botScope { s := scope(0); s.decision.Protect = []int{0}; return s }, false},
		"a wish to start again":            {func() *botScope { s := scope(0); s.reset = "now"; return s }, false},
		"what an earlier operator missed":  {func() *botScope { s := scope(0); s.memory.entered = false; return s }, false},
		"no ledger yet":                    {func() *botScope { s := scope(0); s.book.stands = false; return s }, false},
		"a pod that counts":                {func() *botScope { s := scope(0); s.clusters[0].live = deploymentWith(1); return s }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := tc.scope()
			text := s.book.ledger.String()
			if got := r.holdsLedger(s, text); got != tc.want {
				t.Errorf("it waits: %v, want %v", got, tc.want)
			}
			want := s.book.text
			if tc.want {
				want = text
			}
			if got := s.ledgerText(s.book.text); got != want {
				t.Errorf("the next look reads %s, want %s", got, want)
			}
			if got := s.ledgerText("what somebody else has written"); got != "what somebody else has written" {
				t.Errorf("the next look reads %s, and somebody else has written", got)
			}
		})
	}
}
