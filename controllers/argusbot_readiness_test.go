package controllers

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// The states that a cluster can be in during a change.
var (
	worksAsWanted = clusterScope{stands: true, done: true, live: deploymentWith(1)}
	startsNow     = clusterScope{stands: true, live: deploymentWith(0)}
	lacksShards   = clusterScope{stands: true, live: deploymentWith(1), gate: "not every shard is up"}
	comesLater    = clusterScope{live: deploymentWith(1)}
	comesFirst    = clusterScope{}
)

func deploymentWith(availableReplicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		Spec:   appsv1.DeploymentSpec{Replicas: ptr.To[int32](1)},
		Status: appsv1.DeploymentStatus{Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: availableReplicas},
	}
}

// scopeOf is a bot of so many clusters, by the names b-0, b-1 and so on.
func scopeOf(bot v1alpha1.ArgusBotSpec, clusters ...clusterScope) *botScope {
	s := &botScope{bot: &v1alpha1.ArgusBot{Spec: bot}, clusters: clusters, memory: &memory{}, decision: rollout.Undecided()}
	s.book = &identifyBook{ledger: &rollout.Ledger{Clusters: map[string]rollout.Entry{}}}
	for i := range clusters {
		clusters[i].identity = manifests.Identity("b", i)
	}
	return s
}

func with(cluster clusterScope, pods ...corev1.Pod) clusterScope {
	cluster.pods = pods
	return cluster
}

func TestReadyNamesWhatIsUnderWayAndWhatComesAfter(t *testing.T) {
	for sentence, tc := range map[string]struct {
		scope           *botScope
		budget          time.Time
		reason, message string
	}{
		"one under way, two to come": {
			scopeOf(v1alpha1.ArgusBotSpec{}, startsNow, comesLater, comesLater),
			time.Time{},
			v1alpha1.ReasonProgressing, "waiting for b-0, and then for b-1, b-2",
		},
		"the last one": {
			scopeOf(v1alpha1.ArgusBotSpec{}, worksAsWanted, startsNow), time.Time{}, v1alpha1.ReasonProgressing, "waiting for b-1",
		},
		"none under way": {
			scopeOf(v1alpha1.ArgusBotSpec{}, comesFirst, comesFirst), time.Time{}, v1alpha1.ReasonProgressing, "waiting for b-0, b-1",
		},
		"the budget holds the next one back": {
			scopeOf(v1alpha1.ArgusBotSpec{}, worksAsWanted, comesLater), time.Unix(1, 0),
			v1alpha1.ReasonBudgetLow, "waiting for session starts of the token, which status.identify.nextFree tells of: b-1",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.scope.decision.BudgetUntil = tc.budget
			if got := botReadiness(tc.scope, nil); got.reason != tc.reason || got.message != tc.message || got.ok {
				t.Errorf("got %+v, want %s: %s", got, tc.reason, tc.message)
			}
		})
	}
}

func TestAChangeSaysWhatIsMissing(t *testing.T) {
	leaving := corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: ptr.To(metav1.Now())}}
	crashed := corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "bot", LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}},
	}}}}
	const change = "clusters are being started or changed"
	for sentence, tc := range map[string]struct {
		scope *botScope
		want  string
	}{
		"shards":                     {scopeOf(v1alpha1.ArgusBotSpec{}, lacksShards, comesLater), change + "; waiting for b-0 (not every shard is up)"},
		"a pod":                      {scopeOf(v1alpha1.ArgusBotSpec{}, worksAsWanted, startsNow), change + "; waiting for b-1 (its pod is not ready yet)"},
		"the end of the old pod":     {scopeOf(v1alpha1.ArgusBotSpec{}, with(startsNow, leaving), comesLater), change + "; waiting for b-0 (its old pod is stopping)"},
		"a container that stays up":  {scopeOf(v1alpha1.ArgusBotSpec{}, with(startsNow, crashed)), change + "; waiting for b-0 (CrashLoopBackOff)"},
		"nothing that is under way":  {scopeOf(v1alpha1.ArgusBotSpec{}, comesFirst), change},
		"two of a wide change":       {scopeOf(v1alpha1.ArgusBotSpec{}, lacksShards, startsNow), change + "; waiting for b-0 (not every shard is up), b-1 (its pod is not ready yet)"},
		"what has left its old form": {scopeOf(v1alpha1.ArgusBotSpec{}, comesLater), change},
	} {
		t.Run(sentence, func(t *testing.T) {
			c := newConditions(nil, 1)
			setRolloutComplete(c, tc.scope)
			if got := meta.FindStatusCondition(c.list, v1alpha1.ConditionRolloutComplete).Message; got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// A control plane that has yet to come up is no trouble; one that is away is.
func TestAChangeWithoutAControlPlaneSaysSo(t *testing.T) {
	for sentence, tc := range map[string]struct {
		starting        bool
		reason, message string
	}{
		"it has yet to come up": {true, v1alpha1.ReasonProgressing, "the control plane is starting, so a ready pod counts as working; waiting for b-0 (its pod is not ready yet)"},
		"it is away": {
			false, v1alpha1.ReasonGateFallback,
			"the control plane cannot be asked, as FleetJoined says, so a ready pod counts as working; waiting for b-0 (its pod is not ready yet)",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := scopeOf(v1alpha1.ArgusBotSpec{}, startsNow)
			s.ungated, s.starting = true, tc.starting
			c := newConditions(nil, 1)
			setRolloutComplete(c, s)
			if got := meta.FindStatusCondition(c.list, v1alpha1.ConditionRolloutComplete); got.Reason != tc.reason || got.Message != tc.message {
				t.Errorf("got  %s: %q\nwant %s: %q", got.Reason, got.Message, tc.reason, tc.message)
			}
		})
	}
}

func TestFleetJoinedSaysWhatHelps(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &ArgusBotReconciler{Base: Base{Now: func() time.Time { return now }}}
	runs := corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: manifests.BotContainer, Ready: true,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(-3 * time.Minute))}},
	}}}}
	const never = "b-0 runs but has never registered: check that the bot's Argus library is switched on"
	for sentence, tc := range map[string]struct {
		spec                    v1alpha1.ArgusBotSpec
		status, reason, message string
	}{
		"its token is a file": {
			v1alpha1.ArgusBotSpec{Fleet: &v1alpha1.BotFleet{}},
			"False", v1alpha1.ReasonNeverRegistered,
			never + "; argus-dpy 0.4.2 and older read no token file and need spec.fleet.delivery: Env",
		},
		"its token is a variable": {
			v1alpha1.ArgusBotSpec{Fleet: &v1alpha1.BotFleet{Delivery: ptr.To(v1alpha1.DeliverEnv)}},
			"False", v1alpha1.ReasonNeverRegistered,
			never + ", and see its log for what the control plane answers",
		},
		"it sleeps": {
			v1alpha1.ArgusBotSpec{Fleet: &v1alpha1.BotFleet{}, Hibernate: ptr.To(true)},
			"Unknown", v1alpha1.ReasonHibernated,
			"all clusters are stopped, as spec.hibernate asks",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := scopeOf(tc.spec, with(worksAsWanted, runs))
			s.answer = FleetAnswer{Status: &fleetapi.Status{}}
			c := newConditions(nil, 1)
			r.setFleetJoined(c, s)
			got := meta.FindStatusCondition(c.list, v1alpha1.ConditionFleetJoined)
			if string(got.Status) != tc.status || got.Reason != tc.reason || got.Message != tc.message {
				t.Errorf("got  %s/%s %q\nwant %s/%s %q", got.Status, got.Reason, got.Message, tc.status, tc.reason, tc.message)
			}
		})
	}
}

func TestASleepingBotIsNotWaitedFor(t *testing.T) {
	for sentence, tc := range map[string]struct {
		spec           v1alpha1.ArgusBotSpec
		interval, want time.Duration
	}{
		"a bot that is awaited":                      {v1alpha1.ArgusBotSpec{}, 15 * time.Second, 2 * time.Minute},
		"one that is awaited, and often beats":       {v1alpha1.ArgusBotSpec{}, time.Second, 8 * time.Second},
		"one that is awaited, and seldom beats":      {v1alpha1.ArgusBotSpec{}, 5 * time.Minute, awaitedPoll},
		"one that sleeps":                            {v1alpha1.ArgusBotSpec{Hibernate: ptr.To(true)}, 15 * time.Second, 45 * time.Second},
		"one that sleeps, and would seldom beat now": {v1alpha1.ArgusBotSpec{Hibernate: ptr.To(true)}, 5 * time.Minute, 15 * time.Minute},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := scopeOf(tc.spec, startsNow)
			s.target = &manifests.FleetTarget{IntervalSeconds: int32(tc.interval / time.Second)}
			if got := botPoll(s); got != tc.want {
				t.Errorf("the bot is looked at every %s, want %s", got, tc.want)
			}
			asked := time.Now()
			if last := (inquiry{at: asked, interval: askInterval(s)}); !last.counts(asked.Add(tc.want)) {
				t.Error("the control plane is no longer read for it by then")
			}
		})
	}
}

// Without a control plane nothing is polled, but for inputs that pods may be waiting for.
func TestABotWithoutAControlPlaneIsLookedAtWhileItStarts(t *testing.T) {
	for sentence, tc := range map[string]struct {
		scope *botScope
		want  time.Duration
	}{
		"one that works":  {scopeOf(v1alpha1.ArgusBotSpec{}, worksAsWanted), 0},
		"one that starts": {scopeOf(v1alpha1.ArgusBotSpec{}, startsNow), foundLately},
		"one that sleeps": {scopeOf(v1alpha1.ArgusBotSpec{Hibernate: ptr.To(true)}, startsNow), 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := botPoll(tc.scope); got != tc.want {
				t.Errorf("the bot is looked at every %s, want %s", got, tc.want)
			}
		})
	}
}

// A cluster that runs and does not register is explained when its time is up, and not
// at whatever poll comes after that.
func TestABotIsLookedAtWhenAClusterShouldHaveRegistered(t *testing.T) {
	now := time.Now()
	r := &ArgusBotReconciler{Base: Base{Now: func() time.Time { return now }}}
	since := func(ago time.Duration) corev1.Pod {
		return corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name:  manifests.BotContainer,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(-ago))}},
		}}}}
	}
	s := scopeOf(v1alpha1.ArgusBotSpec{Fleet: &v1alpha1.BotFleet{}},
		with(worksAsWanted, since(registrationGrace-5*time.Second)), with(worksAsWanted, since(time.Second)))
	s.target = &manifests.FleetTarget{IntervalSeconds: 15}
	s.answer = FleetAnswer{Status: &fleetapi.Status{}}
	r.setFleetJoined(newConditions(nil, 1), s)
	if got := r.next(s); got != 5*time.Second {
		t.Errorf("the bot is looked at after %s, want when its first cluster's time is up, after 5s", got)
	}
}
