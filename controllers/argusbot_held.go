package controllers

import (
	"context"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// heldAtMost is how long good news may be held back.
const heldAtMost = 2 * time.Minute

// heldLedger is what a ledger is to hold, and the ConfigMap as it was when it was read.
type heldLedger struct {
	config *corev1.ConfigMap
	text   string
}

// holds tells whether what merely informs waits, for heldAtMost: while a pod is ready and
// does not count as available yet, the next news is on its way. That is so for
// minReadySeconds of each start, and for longer where Kubernetes has more to do than it
// can, to which a write for each step would add.
func (r *ArgusBotReconciler) holds(s *botScope) bool {
	now := r.Now()
	switch {
	case s.clusters == nil: // nobody has looked
		return false
	case !s.arriving():
		s.memory.heldSince = time.Time{}
		return false
	}
	if s.memory.heldSince.IsZero() {
		s.memory.heldSince = now
	}
	ends := s.memory.heldSince.Add(heldAtMost)
	if !now.Before(ends) {
		return false
	}
	s.wakeAt(ends)
	return true
}

// arriving tells of a cluster whose pod is ready and does not count as available yet.
func (s *botScope) arriving() bool {
	for i := range s.clusters {
		if cluster := &s.clusters[i]; cluster.live != nil && !available(cluster.live) && slices.ContainsFunc(cluster.pods, isReady) {
			return true
		}
	}
	return false
}

func isReady(pod corev1.Pod) bool {
	return pod.DeletionTimestamp.IsZero() && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// canWait tells of a status that says of the same spec nothing worse than the one before:
// that a cluster has registered, that more shards are up, whom a message still waits for.
func canWait(before, now *v1alpha1.ArgusBotStatus) bool {
	if len(before.Conditions) != len(now.Conditions) || len(before.ClusterStatuses) != len(now.ClusterStatuses) {
		return false
	}
	for _, condition := range now.Conditions {
		was := meta.FindStatusCondition(before.Conditions, condition.Type)
		if was == nil || was.ObservedGeneration != condition.ObservedGeneration || turns(*was, condition) {
			return false
		}
	}
	for i := range now.ClusterStatuses {
		if worse(&before.ClusterStatuses[i], &now.ClusterStatuses[i]) {
			return false
		}
	}
	shards := func(status *v1alpha1.ArgusBotStatus) int32 { return ptr.Deref(status.Shards, v1alpha1.BotShards{}).Up }
	return shards(now) >= shards(before) && equality.Semantic.DeepEqual(steady(before), steady(now))
}

// turns tells of a condition that turns to anything but True. That it says something else
// of what is on its way is no turn.
func turns(was, now metav1.Condition) bool {
	switch {
	case was.Status != now.Status:
		return now.Status != metav1.ConditionTrue
	case was.Reason != now.Reason:
		return true
	}
	return was.Message != now.Message && now.Status != metav1.ConditionTrue && !expected(now.Reason)
}

func worse(before, now *v1alpha1.BotClusterStatus) bool {
	return before.ID != now.ID || before.Ready && !now.Ready || ptr.Deref(before.Up, false) && !ptr.Deref(now.Up, false) ||
		now.Reason != "" && now.Reason != before.Reason
}

// steady is a status without its conditions, and without what moves while a cluster comes up.
func steady(status *v1alpha1.ArgusBotStatus) *v1alpha1.ArgusBotStatus {
	rest := *status
	rest.Conditions, rest.Clusters, rest.ClusterStatuses, rest.Shards, rest.Guilds, rest.Display = nil, nil, nil, nil, nil, nil
	if status.Identify != nil {
		identify := *status.Identify
		identify.Used24h = 0
		rest.Identify = &identify
	}
	return &rest
}

// holdsLedger tells whether the ledger may be written later: it says which of the starts
// that were paid for have happened, and nothing else. This process remembers it meanwhile.
// One that takes over sees it anew from the pods, as long as they stand. Bots that share
// a token read each other's starts, so that nothing of theirs waits.
func (r *ArgusBotReconciler) holdsLedger(s *botScope, text string) bool {
	acts := len(s.decision.Start)+len(s.decision.Stop)+len(s.decision.Protect) > 0 || s.reset != ""
	if acts || !s.book.stands || !s.memory.entered || len(s.book.sharing) > 1 || !r.holds(s) {
		return false
	}
	written, err := rollout.ParseLedger(s.book.text)
	if err != nil || !onlyHappened(written, s.book.ledger) {
		return false
	}
	s.memory.ledger = heldLedger{config: s.book.config, text: text}
	return true
}

// onlyHappened tells of a ledger in which no more was spent, and nothing has come to work.
func onlyHappened(before, now *rollout.Ledger) bool {
	for key, entry := range now.Clusters {
		if before.Clusters[key].Proven != entry.Proven {
			return false
		}
	}
	return maps.Equal(before.Spent, now.Spent)
}

// flushLedger writes what was held of a ledger that will not be looked at again: the bot is
// going, or has another token. Somebody else's later one is left alone.
func (r *ArgusBotReconciler) flushLedger(ctx context.Context, m *memory) error {
	held := m.ledger
	if held.text == "" {
		return nil
	}
	err := r.updateLedger(ctx, held.config.DeepCopy(), held.text)
	if err == nil || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		m.ledger = heldLedger{}
		return nil
	}
	return err
}

// ledgerText is what the ledger is, which may be more than is written of it.
func (s *botScope) ledgerText(written string) string {
	if held := s.memory.ledger; held.text != "" && held.config.Data[manifests.IdentifyLedgerKey] == written {
		return held.text
	}
	return written
}
