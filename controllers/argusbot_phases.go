package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// resolveFleet finds the control plane that the bot joins.
func (r *ArgusBotReconciler) resolveFleet(ctx context.Context, s *botScope) error {
	wanted := s.bot.Spec.Fleet
	if wanted == nil {
		return nil
	}
	if wanted.External != nil {
		target, err := manifests.ExternalTarget(wanted.External)
		if err != nil {
			return &hold{reason: v1alpha1.ReasonInvalidSpec, message: err.Error(), stalled: true}
		}
		s.target = target
		return nil
	}
	var fleet v1alpha1.ArgusFleet
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: s.bot.Namespace, Name: wanted.Ref.Name}, &fleet)
	if apierrors.IsNotFound(err) {
		return &hold{
			reason:  v1alpha1.ReasonFleetNotFound,
			message: fmt.Sprintf("spec.fleet.ref: ArgusFleet %q does not exist in this namespace: create it, or correct the name", wanted.Ref.Name),
		}
	}
	if err != nil {
		return fmt.Errorf("reading ArgusFleet %s: %w", wanted.Ref.Name, err)
	}
	s.fleet = &fleet
	if err := r.ownService(ctx, &fleet); err != nil {
		return err
	}
	if memberFingerprint(&fleet) == "" && ptr.Deref(wanted.Delivery, v1alpha1.DeliverFile) == v1alpha1.DeliverEnv {
		// Which token it is stands on the pods, and is to be right before they start.
		return &hold{
			reason: v1alpha1.ReasonFleetNotReady, after: retryMissing,
			message: fmt.Sprintf("ArgusFleet %q has no member token yet", fleet.Name),
		}
	}
	s.target = manifests.TargetOf(&fleet)
	s.starting = !hasAnswered(&fleet) && !meta.IsStatusConditionTrue(fleet.Status.Conditions, v1alpha1.ConditionReady)
	return nil
}

// checkInputs makes sure that what the pods mount exists. Looked for until found, or
// while a cluster is not available.
func (r *ArgusBotReconciler) checkInputs(ctx context.Context, s *botScope) error {
	if r.verified.has(s.bot) && botReady(s.bot) {
		return nil
	}
	wanted, problem, err := missingInput(ctx, r.Client, s.bot.Namespace, botInputs(s))
	if err != nil {
		return err
	}
	if wanted == nil {
		r.verified.note(s.bot)
		return nil
	}
	r.verified.forget(s.bot.UID)
	s.missing = secretMissing(wanted, problem)
	if target := s.target; target != nil && target.Name != "" && wanted.name == target.Token.Name && wanted.key == target.Token.Key {
		s.missing = &hold{
			reason: v1alpha1.ReasonFleetNotReady, after: retryMissing,
			message: fmt.Sprintf("ArgusFleet %q has no member token yet", target.Name),
		}
	}
	return nil
}

func botInputs(s *botScope) []input {
	var inputs []input
	for _, secret := range manifests.BotSecrets(s.bot, s.target) {
		inputs = append(inputs, input{secret.Field, v1alpha1.CAInSecret, secret.Ref.Name, secret.Ref.Key})
	}
	for _, config := range manifests.BotConfigMaps(s.bot, s.target) {
		inputs = append(inputs, input{config.Field, v1alpha1.CAInConfigMap, config.Ref.Name, config.Ref.Key})
	}
	return inputs
}

// ensureObjects applies what all clusters share, and deletes a NetworkPolicy that was
// switched off.
func (r *ArgusBotReconciler) ensureObjects(ctx context.Context, s *botScope) error {
	owned, selector := apply.ControlledBy(s.bot), manifests.BotSelector(s.bot.Name)
	if account := manifests.BotServiceAccount(s.bot); account != nil {
		if _, err := apply.Apply(ctx, r.Applier, owned, account); err != nil {
			return err
		}
	}
	_, err := applyOrPrune(ctx, &r.Base, owned, s.bot, &networkingv1.NetworkPolicyList{}, selector,
		manifests.BotNetworkPolicy(s.bot, s.target, r.Options))
	return err
}

// pruneAccounts deletes a ServiceAccount that pods no longer run as: not before every
// Deployment names another.
func (r *ArgusBotReconciler) pruneAccounts(ctx context.Context, s *botScope) error {
	for i := range s.clusters {
		if !s.clusters[i].stands {
			return nil
		}
	}
	keep := map[string]bool{}
	if account := manifests.BotServiceAccount(s.bot); account != nil {
		keep[account.Name] = true
	}
	return prune(ctx, &r.Base, s.bot, &corev1.ServiceAccountList{}, manifests.BotSelector(s.bot.Name), keep)
}

// observe reads the pods, for what they run and what ails them.
func (r *ArgusBotReconciler) observe(ctx context.Context, s *botScope) error {
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(s.bot.Namespace), client.MatchingLabels(manifests.BotSelector(s.bot.Name)))
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	s.pods = pods.Items
	return nil
}

// stopOldLayout stops what runs shards that the spec gives to another cluster, and
// waits until its pods are gone: two processes of one shard would answer every
// command twice. The new layout starts after that.
func (r *ArgusBotReconciler) stopOldLayout(ctx context.Context, s *botScope) error {
	wanted := map[string]string{}
	for i, shards := range manifests.ShardRanges(s.bot.Spec.Sharding) {
		wanted[strconv.Itoa(i)] = manifests.Layout(s.bot, shards)
	}
	keep := map[string]bool{}
	for i := range s.deployments {
		template := &s.deployments[i].Spec.Template.ObjectMeta
		keep[s.deployments[i].Name] = manifests.LayoutOf(template) == wanted[template.Labels[v1alpha1.LabelCluster]]
	}
	if restsRollouts(s.bot.Spec.Suspend) {
		s.frozen = slices.Contains(slices.Collect(maps.Values(keep)), false)
		return nil
	}
	if err := apply.Prune(ctx, r.Applier, s.bot, pointersTo(s.deployments), keep); err != nil {
		return err
	}
	for i := range s.pods {
		if pod := &s.pods[i]; runs(pod) && manifests.LayoutOf(&pod.ObjectMeta) != wanted[pod.Labels[v1alpha1.LabelCluster]] {
			return &hold{reason: v1alpha1.ReasonResharding, message: "waiting for the pods of the old shard layout to stop"}
		}
	}
	return nil
}

// podsByCluster sorts the pods by their cluster's index, as its label has it.
func podsByCluster(pods []corev1.Pod) map[string][]corev1.Pod {
	sorted := map[string][]corev1.Pod{}
	for _, pod := range pods {
		index := pod.Labels[v1alpha1.LabelCluster]
		sorted[index] = append(sorted[index], pod)
	}
	return sorted
}

// ask looks up how the control plane sees the clusters.
func (r *ArgusBotReconciler) ask(s *botScope) {
	if s.target == nil {
		return
	}
	if s.notAsked = r.mayAsk(s); s.notAsked != nil {
		return
	}
	source := FleetSource{URL: s.target.URL, Namespace: s.bot.Namespace, Viewer: *s.target.ViewerToken, CA: authorityOf(s.target.CA)}
	if s.target.Name == "" {
		source.Prefix = manifests.BotEffective(s.bot, s.target).IdentityPrefix + "-"
	}
	asker := Asker{Kind: v1alpha1.KindArgusBot, NamespacedName: client.ObjectKeyFromObject(s.bot)}
	s.answer = r.Fleets.Answer(source, botPoll(s), asker)
	if s.answer.Status == nil {
		return
	}
	byIdentity := make(map[string]*fleetapi.ClusterStatus, len(s.answer.Status.Clusters))
	for i := range s.answer.Status.Clusters {
		byIdentity[s.answer.Status.Clusters[i].Identity] = &s.answer.Status.Clusters[i]
	}
	for i := range s.clusters {
		s.clusters[i].fleet = byIdentity[s.clusters[i].identity]
	}
}

// mayAsk says why a control plane is not asked, or nil.
func (r *ArgusBotReconciler) mayAsk(s *botScope) *hold {
	switch {
	case s.starting:
		return &hold{reason: v1alpha1.ReasonProgressing, message: "the control plane is starting"}
	case s.target.ViewerToken == nil:
		return &hold{
			reason:  v1alpha1.ReasonNoViewerToken,
			message: "spec.fleet.external.viewerTokenSecretRef is not set, so the control plane cannot be asked",
		}
	case s.target.Name == "" && !r.AllowExternalFleets:
		return &hold{
			reason:  v1alpha1.ReasonExternalReadsOff,
			message: "the operator reads no external control plane: start it with --allow-external-fleets to let it",
		}
	}
	return nil
}

func pointersTo[T any](items []T) []*T {
	list := make([]*T, 0, len(items))
	for i := range items {
		list = append(list, &items[i])
	}
	return list
}
