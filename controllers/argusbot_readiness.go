package controllers

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// botReadiness is Ready when every cluster is available as desired, or all are
// stopped as desired. What the control plane says never lowers it: that has its own
// condition.
func botReadiness(s *botScope, held *hold) readiness {
	if held != nil {
		return held.readiness()
	}
	if manifests.Hibernates(s.bot) {
		return hibernation(s)
	}
	waiting := s.waiting()
	if len(waiting) == 0 {
		return readiness{ok: true, reason: v1alpha1.ReasonAvailable, message: "every cluster runs as the spec says" + s.asides()}
	}
	if stuck := stuckness(s); stuck != nil {
		return *stuck
	}
	for i := range s.clusters {
		cluster := &s.clusters[i]
		if found := clusterTrouble(cluster); found != nil && !available(cluster.live) {
			return readiness{reason: found.summary(), message: fmt.Sprintf("cluster %s: %s", cluster.identity, found)}
		}
	}
	if s.missing != nil {
		return s.missing.readiness()
	}
	if !s.resharding.Until.IsZero() {
		return readiness{reason: v1alpha1.ReasonBudgetLow, message: "the new shard layout waits until the token has enough session starts left; the old one runs on"}
	}
	if resting := s.resting(); len(resting) > 0 {
		return readiness{reason: v1alpha1.ReasonSuspended, message: "not changed to what the spec asks for: " + some(resting)}
	}
	if !s.decision.BudgetUntil.IsZero() {
		return readiness{reason: v1alpha1.ReasonBudgetLow, message: "waiting for session starts of the token, which status.identify.nextFree " +
			"tells of: " + some(waiting)}
	}
	return readiness{reason: v1alpha1.ReasonProgressing, message: "waiting for " + s.queue()}
}

// queue names the clusters that are under way, and those whose turn comes after them.
func (s *botScope) queue() string {
	var underWay, later []string
	for i := range s.clusters {
		switch cluster := &s.clusters[i]; {
		case cluster.available():
		case cluster.stands:
			underWay = append(underWay, cluster.identity)
		default:
			later = append(later, cluster.identity)
		}
	}
	if len(underWay) == 0 || len(later) == 0 {
		return some(slices.Concat(underWay, later))
	}
	return some(underWay) + ", and then for " + some(later)
}

// asides are what does not keep the bot from running as it should, to be added to a sentence.
func (s *botScope) asides() string {
	text := s.absentKinds()
	if s.refusal != "" {
		text += "; " + s.refusal
	}
	return text
}

// resting lists the clusters that are not as desired because rollouts are suspended.
func (s *botScope) resting() []string {
	var resting []string
	for i := range s.clusters {
		if restsRollouts(s.bot.Spec.Suspend) && !s.clusters[i].stands {
			resting = append(resting, s.clusters[i].identity)
		}
	}
	return resting
}

// waiting lists the clusters that are not available as desired.
func (s *botScope) waiting() []string {
	var waiting []string
	for i := range s.clusters {
		if !s.clusters[i].available() {
			waiting = append(waiting, s.clusters[i].identity)
		}
	}
	return waiting
}

func hibernation(s *botScope) readiness {
	for i := range s.pods {
		if runs(&s.pods[i]) {
			return readiness{reason: v1alpha1.ReasonProgressing, message: "stopping all clusters: spec.hibernate is true"}
		}
	}
	return readiness{ok: true, reason: v1alpha1.ReasonHibernated, message: "all clusters are stopped, as spec.hibernate asks; identities and numbers are kept"}
}

// stuckness is what only a person can end, or nil.
func stuckness(s *botScope) *readiness {
	stalled := func(reason, format string, args ...any) *readiness {
		return &readiness{reason: reason, stalled: true, message: fmt.Sprintf(format, args...)}
	}
	protected := s.protected()
	switch {
	case s.resharding.Impossible:
		return stalled(v1alpha1.ReasonBudgetImpossible, "the new layout has %d shards, and the token may start %d sessions a day, so the old one runs on: "+
			"ask for fewer shards, or set spec.discord.identifyLimit to what Discord grants", s.bot.Spec.Sharding.Total, s.book.limit)
	case s.decision.Impossible >= 0 && s.decision.Impossible < len(s.clusters):
		cluster := &s.clusters[s.decision.Impossible]
		return stalled(v1alpha1.ReasonBudgetImpossible, "cluster %s has %d shards, and the token may start %d sessions a day: "+
			"give it fewer shards, or set spec.discord.identifyLimit to what Discord grants", cluster.identity, cluster.shards.Count(), s.book.limit)
	case len(protected) > 0:
		return stalled(v1alpha1.ReasonCrashLoopProtected, "%s started again and again and was stopped before Discord resets the token: "+
			"its pod is gone, so find the cause in the log that your cluster keeps, then change the spec, or set the annotation %s to a new value", some(protected), v1alpha1.AnnotationResetCrashLoop)
	case s.decision.Failed >= 0 && s.decision.Failed < len(s.clusters):
		return stalled(v1alpha1.ReasonRolloutFailed, "cluster %s did not come to work in time%s; the others are left as they are: "+
			"correct the spec, which starts the rollout anew", s.clusters[s.decision.Failed].identity, culprit(&s.clusters[s.decision.Failed]))
	}
	return nil
}

// protected lists the clusters that crash-loop protection has stopped.
func (s *botScope) protected() []string {
	var names []string
	for i := range s.clusters {
		if s.clusters[i].protected {
			names = append(names, s.clusters[i].identity)
		}
	}
	return names
}

// culprit says what keeps a cluster from working.
func culprit(cluster *clusterScope) string {
	if found := clusterTrouble(cluster); found != nil {
		return ": " + found.String()
	}
	if cluster.gate != "" {
		return ": " + cluster.gate
	}
	return ""
}

// observeRollout tells what the clusters are and are to be.
func observeRollout(status *v1alpha1.ArgusBotStatus, s *botScope) {
	status.UpdateRevision = s.updateRevision
	if s.complete() {
		status.CurrentRevision = s.updateRevision
	}
	status.TemplateRevision = &v1alpha1.BotTemplateRevision{Current: s.form.Revision, Available: s.available}
}

// complete tells whether every cluster is as desired and has come to work.
func (s *botScope) complete() bool {
	if s.book == nil || s.clusters == nil {
		return false
	}
	for i := range s.clusters {
		cluster := &s.clusters[i]
		if !cluster.stands || cluster.protected || !(cluster.done || s.book.ledger.Proven(cluster.key, cluster.revision)) {
			return false
		}
	}
	return true
}

// observeIdentifies tells what the token has spent.
func observeIdentifies(status *v1alpha1.ArgusBotStatus, s *botScope, now time.Time) {
	used := count(s.book.ledger.Used(now))
	status.Identify = &v1alpha1.BotIdentify{Limit: s.book.limit, Used24h: used}
	if !s.decision.BudgetUntil.IsZero() {
		status.Identify.NextFree = ptr.To(metav1.NewTime(s.decision.BudgetUntil))
	}
	status.Display.Identifies = fmt.Sprintf("%d/%d", used, s.book.limit)
}

// setRolloutComplete tells how far a change has come.
func setRolloutComplete(c *conditions, s *botScope) {
	set := func(status metav1.ConditionStatus, reason, message string) {
		c.set(v1alpha1.ConditionRolloutComplete, status, reason, message)
	}
	stuck := stuckness(s)
	switch {
	case manifests.Hibernates(s.bot):
		set(metav1.ConditionTrue, v1alpha1.ReasonHibernated, "all clusters are to be stopped")
	case s.complete() && s.available > 0:
		set(metav1.ConditionTrue, v1alpha1.ReasonRolloutAvailable, fmt.Sprintf("every cluster runs what the spec asks for; this operator builds "+
			"template revision %d: set spec.rollout.templateRevision to it to have the pods replaced", s.available))
	case s.complete():
		set(metav1.ConditionTrue, v1alpha1.ReasonComplete, "every cluster runs what the spec asks for, and has come to work")
	case stuck != nil:
		set(metav1.ConditionFalse, stuck.reason, stuck.message)
	case !s.decision.BudgetUntil.IsZero():
		set(metav1.ConditionFalse, v1alpha1.ReasonBudgetLow, "the next cluster waits for session starts of the token")
	case s.ungated && s.starting:
		set(metav1.ConditionFalse, v1alpha1.ReasonProgressing, "the control plane is starting, so a ready pod counts as working"+s.awaited())
	case s.ungated:
		set(metav1.ConditionFalse, v1alpha1.ReasonGateFallback, "the control plane cannot be asked, as FleetJoined says, so a ready pod counts as working"+s.awaited())
	default:
		set(metav1.ConditionFalse, v1alpha1.ReasonProgressing, "clusters are being started or changed"+s.awaited())
	}
}

// awaited names the cluster that a change waits for, and what is missing.
func (s *botScope) awaited() string {
	var waits []string
	for i := range s.clusters {
		if cluster := &s.clusters[i]; cluster.stands && !cluster.done {
			waits = append(waits, cluster.identity+" ("+cluster.lacks()+")")
		}
	}
	if len(waits) == 0 {
		return ""
	}
	return "; waiting for " + some(waits)
}

// lacks says in a few words why a cluster that is as desired does not count as working.
func (c *clusterScope) lacks() string {
	leaves := func(pod corev1.Pod) bool { return runs(&pod) && pod.DeletionTimestamp != nil }
	switch found := clusterTrouble(c); {
	case c.gate != "":
		return c.gate
	case found != nil:
		return found.reason
	case slices.ContainsFunc(c.pods, leaves):
		return "its old pod is stopping"
	}
	return "its pod is not ready yet"
}

// setIdentifyBudget tells whether the token has session starts left.
func setIdentifyBudget(c *conditions, s *botScope) {
	set := func(status metav1.ConditionStatus, reason, message string) {
		c.set(v1alpha1.ConditionIdentifyBudget, status, reason, message)
	}
	stuck := stuckness(s)
	switch {
	case stuck != nil && stuck.reason != v1alpha1.ReasonRolloutFailed:
		set(metav1.ConditionFalse, stuck.reason, stuck.message)
	case !s.decision.BudgetUntil.IsZero():
		set(metav1.ConditionFalse, v1alpha1.ReasonBudgetLow, "a start waits, because it would leave too few of the token's daily session starts: "+
			"status.identify.nextFree says when enough of them no longer count")
	case s.book.differ:
		set(metav1.ConditionTrue, v1alpha1.ReasonLimitsDiffer, "bots with the same token Secret declare different values of spec.discord.identifyLimit: the smallest counts")
	default:
		set(metav1.ConditionTrue, v1alpha1.ReasonWithinBudget, "the token has session starts left")
	}
}
