package controllers

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// lookAtClusters compares what stands with what the spec asks for, and with what the
// control plane sees. A cluster that cannot be looked at does not hold back the others.
func (r *ArgusBotReconciler) lookAtClusters(ctx context.Context, s *botScope) error {
	effective := manifests.BotEffective(s.bot, s.target)
	desired, err := manifests.BotDeployments(s.bot, s.target, s.secrets, s.form)
	if err != nil {
		return err
	}
	s.updateRevision = manifests.UpdateRevision(desired)
	ranges := manifests.ShardRanges(s.bot.Spec.Sharding)
	pods := podsByCluster(s.pods)
	s.clusters = make([]clusterScope, len(desired))
	var failed []error
	for i := range desired {
		index := strconv.Itoa(i)
		cluster := &s.clusters[i]
		*cluster = clusterScope{
			key: ledgerKey(s.bot, index), identity: manifests.Identity(effective.IdentityPrefix, i),
			shards: ranges[i], pods: pods[index], desired: desired[i], revision: manifests.RevisionOf(desired[i]),
		}
		cluster.protected = manifests.Protects(s.bot) && s.book.ledger.Stopped(cluster.key, cluster.revision)
		if cluster.protected || manifests.Hibernates(s.bot) {
			cluster.desired = manifests.Stopped(desired[i])
		}
		found, err := apply.Check(ctx, r.Applier, apply.ControlledBy(s.bot), cluster.desired)
		if err != nil {
			failed = append(failed, err)
			_, cluster.foreign = errors.AsType[*apply.NameConflictError](err)
			cluster.unread = !cluster.foreign
			continue
		}
		cluster.found = found
		if found.Exists {
			cluster.live, cluster.stands, cluster.drifted = found.Live, found.Stands, found.Drifted
		}
	}
	s.failed = errors.Join(failed...)
	return nil
}

// judgeClusters says of each cluster whether it works, as the gate asks.
func (r *ArgusBotReconciler) judgeClusters(s *botScope) {
	gated := r.gate(s)
	for i := range s.clusters {
		cluster := &s.clusters[i]
		cluster.done = cluster.available()
		switch {
		case cluster.done && s.unanswered:
			cluster.done = s.book.ledger.Proven(cluster.key, cluster.revision)
			cluster.gate = "the control plane does not answer"
		case cluster.done && gated:
			member := s.memberOf(cluster)
			var opens time.Time
			cluster.done, cluster.gate, opens = rollout.Gate(r.Now(), member, runningSince(s.successors(cluster)), cluster.shards.Count())
			s.wakeAt(opens)
		}
		if cluster.done {
			s.book.ledger.Prove(r.Now(), cluster.key, cluster.revision)
		}
	}
}

// A control plane may be unreachable for so many heartbeats, and for ungatedAtMost, before
// rollouts go on without it: one that restarts is soon back.
const (
	ungatedBeats  = 3
	ungatedAtMost = time.Minute
)

func gracePeriod(s *botScope) time.Duration { return min(ungatedBeats*interval(s), ungatedAtMost) }

// gate tells whether the control plane is asked of a changed cluster. One that does not
// answer for a while is waited for; then a ready pod has to do:
// bots do not depend on the control plane.
func (r *ArgusBotReconciler) gate(s *botScope) bool {
	if s.target == nil || manifests.RolloutOf(s.bot).Gate != v1alpha1.GateFleet {
		return false
	}
	if s.notAsked == nil && s.answer.Err != nil {
		patience := s.answer.FailingSince.Add(gracePeriod(s))
		if s.unanswered = r.Now().Before(patience); s.unanswered {
			s.wakeAt(patience)
			return true
		}
	}
	s.ungated = s.notAsked != nil || s.answer.Err != nil
	return !s.ungated
}

func (s *botScope) memberOf(cluster *clusterScope) *rollout.Member {
	seen := cluster.fleet
	if seen == nil {
		return nil
	}
	return &rollout.Member{
		HeardSince: ptr.Deref(s.answer.Status, fleetapi.Status{}).StartedAt,
		Up:         seen.Status == fleetapi.StatusUp, ValuesAt: ptr.Deref(seen.ValuesAt, time.Time{}), RegisteredAt: seen.RegisteredAt,
		ShardsUp: seen.ShardsUp, ShardsTotal: seen.ShardsTotal, Interval: interval(s),
	}
}

// rollOut decides what may be written now, enters what it starts in the ledger, and
// writes it. A cluster that cannot be written does not hold back the others.
func (r *ArgusBotReconciler) rollOut(ctx context.Context, s *botScope) error {
	plan := r.plan(s)
	s.decision = rollout.Decide(plan)
	s.decision.WaitFor(s.resharding)
	for _, i := range s.decision.Protect {
		// What loops is what stands, which the spec may have mended.
		s.book.ledger.Stop(plan.Now, s.clusters[i].key, manifests.RevisionOf(s.clusters[i].live))
		s.clusters[i].protected = true
	}
	for _, i := range s.decision.Start {
		s.book.ledger.Start(plan.Now, s.clusters[i].key, s.clusters[i].revision, plan.Steps[i].Shards)
	}
	if err := r.saveLedger(ctx, s); err != nil {
		return err
	}
	failed := []error{s.failed}
	for _, i := range slices.Concat(s.decision.Stop, s.decision.Write) {
		cluster := &s.clusters[i]
		live, err := r.write(ctx, s, cluster)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		cluster.live, cluster.stands = live, true
	}
	return errors.Join(failed...)
}

// write makes a cluster stand as desired, or stopped if it has come to be protected.
func (r *ArgusBotReconciler) write(ctx context.Context, s *botScope, cluster *clusterScope) (*appsv1.Deployment, error) {
	owned := apply.ControlledBy(s.bot)
	if cluster.protected && manifests.AsksForPods(cluster.desired) {
		cluster.desired = manifests.Stopped(cluster.desired)
		return apply.Apply(ctx, r.Applier, owned, cluster.desired)
	}
	before := cluster.found.Live.DeepCopy()
	live, err := apply.Write(ctx, r.Applier, owned, cluster.found)
	if err == nil {
		s.memory.revised(cluster, before, live)
	}
	return live, err
}

// plan gathers what the decision looks at.
func (r *ArgusBotReconciler) plan(s *botScope) *rollout.Plan {
	now := r.Now()
	settings := manifests.RolloutOf(s.bot)
	plan := &rollout.Plan{
		Now: now, MaxUnavailable: int(settings.MaxUnavailable), Hibernate: manifests.Hibernates(s.bot),
		Frozen:  s.missing != nil || s.frozen || restsRollouts(s.bot.Spec.Suspend),
		Protect: manifests.Protects(s.bot),
		Budget:  r.budget(s),
	}
	for i := range s.clusters {
		cluster := &s.clusters[i]
		step := cluster.step(s.book.ledger, plan.Budget.Limit, now)
		// While rollouts rest, what was deleted by hand is made again, unless it might run
		// shards that another cluster still runs.
		deleted := !step.Exists && !step.Untouchable
		step.Drifted = step.Drifted || deleted && !s.frozen && s.missing == nil && restsRollouts(s.bot.Spec.Suspend)
		step.Patience = time.Duration(settings.TimeoutSeconds)*time.Second + rollout.StartTime(step.Shards.Count, plan.Budget.MaxConcurrency)
		if s.unanswered {
			step.Patience += gracePeriod(s) // which is not the cluster's fault
		}
		plan.Steps = append(plan.Steps, step)
		plan.Budget.Largest = max(plan.Budget.Largest, step.Shards.Count)
	}
	return plan
}

// budget is what the bot's token may still spend; the largest cluster is not in it yet.
func (r *ArgusBotReconciler) budget(s *botScope) rollout.Budget {
	return rollout.Budget{
		Limit: int(s.book.limit), MaxConcurrency: int(manifests.RolloutOf(s.bot).MaxConcurrency), Ledger: s.book.ledger,
	}
}

func rangeOf(shards manifests.ShardRange) rollout.Range {
	return rollout.Range{First: shards.First, Count: shards.Count()}
}

// step is the cluster as the decision sees it.
func (c *clusterScope) step(ledger *rollout.Ledger, limit int, now time.Time) rollout.Step {
	step := rollout.Step{Key: c.key, Shards: rangeOf(c.shards), Starts: true}
	if c.foreign || c.unread {
		return rollout.Step{Key: c.key, Shards: step.Shards, Untouchable: true, Down: c.unread}
	}
	leaving := false
	for i := range c.pods {
		if runs(&c.pods[i]) {
			step.Pods++
			leaving = leaving || c.pods[i].DeletionTimestamp != nil
		}
	}
	step.Looping, step.Protected = ledger.Looping(now, c.key, limit), c.protected
	step.Proven = ledger.Proven(c.key, c.revision)
	if c.live == nil {
		step.Stopped = true
		return step
	}
	step.Exists, step.Updated, step.Drifted = true, c.stands, c.drifted
	step.Stopped = !manifests.AsksForPods(c.live)
	step.Replacing = leaving || (step.Pods > 0 && !updated(c.live))
	// Too many pods are taken away at once, without a start that would have to wait for its turn.
	surplus := ptr.Deref(c.live.Spec.Replicas, 1) > 1
	step.Starts = step.Stopped || step.Drifted && !surplus || manifests.RevisionOf(c.live) != c.revision
	step.Available, step.Done, step.Since = available(c.live), c.done, lastWritten(c.live)
	return step
}

// lastWritten is when we last changed a Deployment, as the API server recorded it.
func lastWritten(deployment *appsv1.Deployment) time.Time {
	last := deployment.CreationTimestamp.Time
	for _, entry := range deployment.ManagedFields {
		if entry.Manager == v1alpha1.FieldOwner && entry.Subresource == "" && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// runs tells whether a pod may have a running process.
func runs(pod *corev1.Pod) bool {
	return pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}
