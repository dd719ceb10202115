package controllers

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// stopOldLayout stops what runs shards that the spec gives to another cluster, and
// waits until its pods are gone: two processes of one shard would answer every
// command twice. The new layout starts after that.
func (r *ArgusBotReconciler) stopOldLayout(ctx context.Context, s *botScope) error {
	wanted := map[string]string{}
	for i, shards := range manifests.ShardRanges(s.bot.Spec.Sharding) {
		wanted[strconv.Itoa(i)] = manifests.Layout(s.bot, shards)
	}
	keep, changes := map[string]bool{}, false
	for i := range s.deployments {
		template := &s.deployments[i].Spec.Template.ObjectMeta
		same := manifests.LayoutOf(template) == wanted[template.Labels[v1alpha1.LabelCluster]]
		keep[s.deployments[i].Name], changes = same, changes || !same
	}
	var old []*corev1.Pod
	for i := range s.pods {
		if pod := &s.pods[i]; runs(pod) && manifests.LayoutOf(&pod.ObjectMeta) != wanted[pod.Labels[v1alpha1.LabelCluster]] {
			old = append(old, pod)
		}
	}
	if changes && r.layoutWaits(s, len(old) > 0) {
		s.frozen = true
		return nil
	}
	if restsRollouts(s.bot.Spec.Suspend) {
		s.frozen = len(old) > 0 // they run shards of the new layout
		return nil
	}
	if err := apply.Prune(ctx, r.Applier, s.bot, pointersTo(s.deployments), keep); err != nil {
		return err
	}
	if len(old) > 0 {
		return &hold{reason: v1alpha1.ReasonResharding, message: "waiting for the pods of the old shard layout to stop"}
	}
	return nil
}

// layoutWaits tells whether the old layout is to go on for now: nothing that runs is
// stopped for a new layout that could not start.
func (r *ArgusBotReconciler) layoutWaits(s *botScope, running bool) bool {
	if restsRollouts(s.bot.Spec.Suspend) {
		return true
	}
	if !running || manifests.Hibernates(s.bot) {
		return false
	}
	budget := r.budget(s)
	for _, shards := range manifests.ShardRanges(s.bot.Spec.Sharding) {
		budget.Largest = max(budget.Largest, shards.Count())
	}
	s.resharding = budget.Reshard(r.Now(), int(s.bot.Spec.Sharding.Total))
	return s.missing != nil || s.resharding.Waits()
}

// retireOldLayout has the control plane forget the clusters of an earlier layout once
// they are down there. Their numbers are kept for them. A control plane that cannot be
// told now is told at one of the next looks.
func (r *ArgusBotReconciler) retireOldLayout(ctx context.Context, s *botScope) error {
	if s.fleet == nil || s.answer.Status == nil || restsRollouts(s.bot.Spec.Suspend) {
		return nil
	}
	gone := goneIdentities(s)
	if len(gone) == 0 || s.memory.retiredBy.Equal(s.answer.At) {
		return nil // an answer from before the last try tells nothing new
	}
	s.memory.retiredBy = s.answer.At
	ctx, cancel := context.WithTimeout(ctx, retireTimeout)
	defer cancel()
	admin, err := r.adminOf(ctx, s.fleet)
	for _, identity := range gone {
		if err != nil {
			break
		}
		// Not by force: one that beats again is somebody's.
		err = admin.retire(ctx, identity, false)
	}
	if err != nil {
		ctrl.LoggerFrom(ctx).Info("cannot retire the clusters of an earlier shard layout yet", "cause", err.Error())
		return nil
	}
	r.Events.Eventf(s.bot, nil, corev1.EventTypeNormal, v1alpha1.ReasonRetired, "Retire", "%s",
		bounded("the control plane has retired what the shard layout no longer has: "+some(gone), maxNote))
	return nil
}

// goneIdentities lists the clusters that the control plane knows as the bot's, that the
// spec no longer has, and that are down.
func goneIdentities(s *botScope) []string {
	prefix := manifests.IdentityStem(s.bot)
	var gone []string
	for i := range s.answer.Status.Clusters {
		known := &s.answer.Status.Clusters[i]
		if index, ok := clusterIndex(known.Identity, prefix); ok && index >= len(s.clusters) && known.Status != fleetapi.StatusUp {
			gone = append(gone, known.Identity)
		}
	}
	return gone
}

// clusterIndex is the index of a bot's cluster by its identity. Another bot's identity
// may begin with the same letters.
func clusterIndex(identity, prefix string) (int, bool) {
	text, ok := strings.CutPrefix(identity, prefix)
	if !ok {
		return 0, false // as nearly all are, of all the clusters that a control plane knows
	}
	index, err := strconv.Atoi(text)
	return index, err == nil && strconv.Itoa(index) == text && index >= 0
}

// retire takes one cluster out of the control plane. One that is not known, or that
// beats again and is not to be forced, is none of our business.
func (a *planeAdmin) retire(ctx context.Context, identity string, force bool) error {
	err := a.r.withTokens(ctx, a.fleet, a.admin, func(c *fleetapi.Client) error { return c.Retire(ctx, identity, force) })
	if answered(err, http.StatusNotFound) || (!force && answered(err, http.StatusConflict)) {
		return nil
	}
	if err != nil {
		return unreachable(err)
	}
	return nil
}
