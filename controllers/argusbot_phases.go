package controllers

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
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
	fleet, err := r.fleetOf(ctx, s.bot)
	if apierrors.IsNotFound(err) {
		return &hold{
			reason:  v1alpha1.ReasonFleetNotFound,
			message: fmt.Sprintf("spec.fleet.ref: ArgusFleet %q does not exist in this namespace: create it, or correct the name", wanted.Ref.Name),
		}
	}
	if err != nil {
		return err
	}
	s.fleet = fleet
	if err := r.ownService(ctx, fleet); err != nil {
		return err
	}
	if memberFingerprint(fleet) == "" && ptr.Deref(wanted.Delivery, v1alpha1.DeliverFile) == v1alpha1.DeliverEnv {
		// Which token it is stands on the pods, and is to be right before they start.
		return &hold{
			reason: v1alpha1.ReasonFleetNotReady, after: retryMissing,
			message: fmt.Sprintf("ArgusFleet %q has no member token yet", fleet.Name),
		}
	}
	s.target = manifests.TargetOf(fleet)
	s.starting = !hasAnswered(fleet) && !meta.IsStatusConditionTrue(fleet.Status.Conditions, v1alpha1.ConditionReady)
	return nil
}

// checkInputs makes sure that what the pods mount exists. Looked for until found, and
// now and then while a cluster is not available.
func (r *ArgusBotReconciler) checkInputs(ctx context.Context, s *botScope) error {
	if r.verified.has(s.bot, botReady(s.bot), r.Now()) {
		return nil
	}
	// All bots of an ArgusFleet mount the same member token. Of one that runs it is read anew,
	// before its pods are replaced.
	handed := s.fleet != nil && len(s.bot.Status.ClusterStatuses) == 0 && r.handed.has(s.fleet, false, r.Now())
	wanted, problem, err := missingInput(ctx, r.Client, s.bot.Namespace, botInputs(s, handed))
	if err != nil {
		return err
	}
	if wanted == nil {
		r.verified.note(s.bot, r.Now())
		if s.fleet != nil && !handed {
			r.handed.note(s.fleet, r.Now())
		}
		return nil
	}
	r.verified.forget(nameOf(s.bot))
	s.missing = secretMissing(wanted, problem)
	if s.handedOut(wanted) {
		s.missing = &hold{
			reason: v1alpha1.ReasonFleetNotReady, after: retryMissing,
			message: fmt.Sprintf("ArgusFleet %q has no member token yet", s.target.Name),
		}
	}
	return nil
}

// handedOut tells of the member token that an ArgusFleet hands its bots.
func (s *botScope) handedOut(one *input) bool {
	return s.fleet != nil && one.name == s.target.Token.Name && one.key == s.target.Token.Key
}

// botInputs are what the pods need, without the member token of an ArgusFleet if that was
// handed out.
func botInputs(s *botScope, handed bool) []input {
	var inputs []input
	for _, secret := range manifests.BotSecrets(s.bot, s.target) {
		inputs = append(inputs, input{secret.Field, v1alpha1.CAInSecret, secret.Ref.Name, secret.Ref.Key})
	}
	for _, config := range manifests.BotConfigMaps(s.bot, s.target) {
		inputs = append(inputs, input{config.Field, v1alpha1.CAInConfigMap, config.Ref.Name, config.Ref.Key})
	}
	return slices.DeleteFunc(inputs, func(one input) bool { return handed && s.handedOut(&one) })
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

// tidy deletes what pods no longer use, a ServiceAccount or claims: not before every
// Deployment names another.
func (r *ArgusBotReconciler) tidy(ctx context.Context, s *botScope) error {
	for i := range s.clusters {
		if !s.clusters[i].stands {
			return nil
		}
	}
	keep := map[string]bool{}
	if account := manifests.BotServiceAccount(s.bot); account != nil {
		keep[account.Name] = true
	}
	if err := prune(ctx, &r.Base, s.bot, &corev1.ServiceAccountList{}, manifests.BotSelector(s.bot.Name), keep); err != nil {
		return err
	}
	if err := r.pruneClaims(ctx, s); err != nil {
		return err
	}
	return r.retireOldLayout(ctx, s)
}

// observe reads the Deployments, and the pods for what they run and what ails them.
func (r *ArgusBotReconciler) observe(ctx context.Context, s *botScope) error {
	var deployments appsv1.DeploymentList
	if err := listSelected(ctx, r.Client, &deployments, s.bot.Namespace, manifests.BotSelector(s.bot.Name)); err != nil {
		return fmt.Errorf("listing clusters: %w", err)
	}
	s.deployments = deployments.Items
	var pods corev1.PodList
	err := listSelected(ctx, r.Client, &pods, s.bot.Namespace, manifests.BotSelector(s.bot.Name))
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	s.pods = pods.Items
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
	prefix := manifests.IdentityStem(s.bot)
	if s.target.Name == "" {
		source.Prefix = prefix
	}
	asker := Asker{
		Kind: v1alpha1.KindArgusBot, NamespacedName: client.ObjectKeyFromObject(s.bot),
		Prefix: prefix, AwaitsValues: manifests.RolloutOf(s.bot).Gate == v1alpha1.GateFleet && !s.arrived(),
	}
	s.answer = r.Fleets.Answer(source, askInterval(s), asker)
	for i := range s.clusters {
		s.clusters[i].fleet = s.answer.Cluster(s.clusters[i].identity)
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
