package controllers

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
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
			return &hold{reason: v1alpha1.ReasonUnreachable, message: err.Error(), stalled: true}
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
	s.target = manifests.TargetOf(&fleet)
	return nil
}

// checkSecrets makes sure that what the pods mount exists, because a pod that waits
// for a Secret says so only in its events. Secrets are read by name and only until
// they have been found, or while a cluster is not available.
func (r *ArgusBotReconciler) checkSecrets(ctx context.Context, s *botScope) error {
	if done, ok := r.verified.Load(s.bot.UID); ok && done == s.bot.Generation && botReady(s.bot) {
		return nil
	}
	for _, secret := range manifests.BotSecrets(s.bot, s.target) {
		if err := r.checkSecret(ctx, s, secret); err != nil {
			r.verified.Delete(s.bot.UID)
			return err
		}
	}
	r.verified.Store(s.bot.UID, s.bot.Generation)
	return nil
}

func (r *ArgusBotReconciler) checkSecret(ctx context.Context, s *botScope, wanted manifests.BotSecret) error {
	var secret corev1.Secret
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: s.bot.Namespace, Name: wanted.Ref.Name}, &secret)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading Secret %s: %w", wanted.Ref.Name, err)
	}
	if err == nil && len(secret.Data[wanted.Ref.Key]) > 0 {
		return nil
	}
	if s.target != nil && s.target.Name != "" && wanted.Ref == s.target.Token {
		return &hold{
			reason: v1alpha1.ReasonFleetNotReady, after: retryMissing,
			message: fmt.Sprintf("ArgusFleet %q has no member token yet", s.target.Name),
		}
	}
	problem := fmt.Sprintf("Secret %q does not exist: create it with the key %q", wanted.Ref.Name, wanted.Ref.Key)
	if err == nil {
		problem = fmt.Sprintf("Secret %q has no key %q, or it is empty: add it", wanted.Ref.Name, wanted.Ref.Key)
	}
	return &hold{reason: v1alpha1.ReasonSecretMissing, message: wanted.Field + ": " + problem, stalled: true, after: retryMissing}
}

// ensureObjects applies what all clusters share.
func (r *ArgusBotReconciler) ensureObjects(ctx context.Context, s *botScope) error {
	owned := apply.ControlledBy(s.bot)
	if _, err := apply.Apply(ctx, r.Applier, owned, manifests.BotServiceAccount(s.bot)); err != nil {
		return err
	}
	if policy := manifests.BotNetworkPolicy(s.bot, s.target, r.Options); policy != nil {
		if _, err := apply.Apply(ctx, r.Applier, owned, policy); err != nil {
			return err
		}
	}
	return nil
}

// ensureClusters creates what is missing and changes what may be changed now. A
// cluster that cannot be written does not hold back the others.
func (r *ArgusBotReconciler) ensureClusters(ctx context.Context, s *botScope) error {
	owned := apply.ControlledBy(s.bot)
	effective := manifests.BotEffective(s.bot, s.target)
	ranges := manifests.ShardRanges(s.bot.Spec.Sharding)
	desired := manifests.BotDeployments(s.bot, s.target)
	s.clusters = make([]clusterScope, len(desired))
	decide := make([]rollout.Cluster, len(desired))
	var failed []error
	for i := range desired {
		s.clusters[i] = clusterScope{identity: manifests.Identity(effective.IdentityPrefix, i), shards: ranges[i]}
		found, err := apply.Check(ctx, r.Applier, owned, desired[i])
		if err != nil {
			failed = append(failed, err)
			decide[i] = rollout.Cluster{Exists: true, Updated: true, Available: true} // not ours to start
			continue
		}
		if found.Exists {
			s.clusters[i].live, s.clusters[i].stands = found.Live, found.Stands
		}
		decide[i] = rollout.Cluster{Exists: found.Exists, Updated: found.Stands, Available: found.Exists && available(found.Live)}
	}
	for _, i := range rollout.Next(decide) {
		live, err := apply.Apply(ctx, r.Applier, owned, desired[i])
		if err != nil {
			failed = append(failed, err)
			continue
		}
		s.clusters[i].live, s.clusters[i].stands = live, true
	}
	return errors.Join(failed...)
}

// prune deletes what the spec no longer asks for: surplus clusters, a NetworkPolicy
// that was switched off.
func (r *ArgusBotReconciler) prune(ctx context.Context, s *botScope) error {
	selector := manifests.BotSelector(s.bot.Name)
	keep := map[string]bool{manifests.BotName(s.bot.Name): manifests.BotNetworkPolicy(s.bot, s.target, r.Options) != nil}
	if err := prunePolicies(ctx, &r.Base, s.bot, selector, keep); err != nil {
		return err
	}
	var deployments appsv1.DeploymentList
	if err := r.Client.List(ctx, &deployments, client.InNamespace(s.bot.Namespace), client.MatchingLabels(selector)); err != nil {
		return fmt.Errorf("listing deployments: %w", err)
	}
	wanted := make(map[string]bool, len(s.clusters))
	for i := range s.clusters {
		wanted[manifests.BotClusterName(s.bot.Name, i)] = true
	}
	return apply.Prune(ctx, r.Applier, s.bot, pointers(deployments.Items), wanted)
}

// observe reads the pods, for what ails them.
func (r *ArgusBotReconciler) observe(ctx context.Context, s *botScope) error {
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(s.bot.Namespace), client.MatchingLabels(manifests.BotSelector(s.bot.Name)))
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	for i := range pods.Items {
		index, err := strconv.Atoi(pods.Items[i].Labels[v1alpha1.LabelCluster])
		if err == nil && index >= 0 && index < len(s.clusters) {
			s.clusters[index].pods = append(s.clusters[index].pods, pods.Items[i])
		}
	}
	return nil
}

// ask reads from the control plane how the clusters are.
func (r *ArgusBotReconciler) ask(ctx context.Context, s *botScope) {
	if s.target == nil {
		return
	}
	if s.notAsked = r.mayAsk(s.target); s.notAsked != nil {
		return
	}
	s.asked = true
	source := FleetSource{URL: s.target.URL, Namespace: s.bot.Namespace, Viewer: *s.target.ViewerToken}
	prefix := manifests.BotEffective(s.bot, s.target).IdentityPrefix + "-"
	status, err := r.Fleets.Status(ctx, source, prefix)
	r.Metrics.asked(err)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("control plane cannot be read", "cause", fmt.Sprint(causeOf(err)))
		s.askedError = err
		return
	}
	for i := range status.Clusters {
		for j := range s.clusters {
			if s.clusters[j].identity == status.Clusters[i].Identity {
				s.clusters[j].fleet = &status.Clusters[i]
			}
		}
	}
}

// mayAsk says why a control plane is not asked, or nil.
func (r *ArgusBotReconciler) mayAsk(target *manifests.FleetTarget) *hold {
	switch {
	case target.ViewerToken == nil:
		return &hold{
			reason:  v1alpha1.ReasonNoViewerToken,
			message: "spec.fleet.external.viewerTokenSecretRef is not set, so the control plane cannot be asked",
		}
	case target.Name == "" && !r.AllowExternalFleets:
		return &hold{
			reason:  v1alpha1.ReasonExternalReadsOff,
			message: "the operator reads no external control plane: start it with --allow-external-fleets to let it",
		}
	}
	return nil
}

// causeOf is what lies behind an error whose own text is made for a condition.
func causeOf(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return cause
	}
	return err
}
