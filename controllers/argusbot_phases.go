package controllers

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
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
	// Somebody else's Service under the control plane's name would be sent its tokens.
	service := corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: fleet.Namespace, Name: manifests.FleetName(fleet.Name)}}
	err = r.Applier.Read(ctx, &service)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading Service %s: %w", service.Name, err)
	}
	if err != nil || !metav1.IsControlledBy(&service, &fleet) {
		return &hold{
			reason: v1alpha1.ReasonFleetNotReady, after: retryMissing,
			message: fmt.Sprintf("ArgusFleet %q has no Service of its own yet", fleet.Name),
		}
	}
	s.target = manifests.TargetOf(&fleet)
	s.starting = !hasAnswered(&fleet) && !meta.IsStatusConditionTrue(fleet.Status.Conditions, v1alpha1.ConditionReady)
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
		err := r.checkSecret(ctx, s, secret)
		if err == nil {
			continue
		}
		r.verified.Delete(s.bot.UID)
		if missing, ok := errors.AsType[*hold](err); ok {
			s.missing = missing
			return nil
		}
		return err
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

// ensureObjects applies what all clusters share, and deletes a NetworkPolicy that was
// switched off.
func (r *ArgusBotReconciler) ensureObjects(ctx context.Context, s *botScope) error {
	owned := apply.ControlledBy(s.bot)
	if _, err := apply.Apply(ctx, r.Applier, owned, manifests.BotServiceAccount(s.bot)); err != nil {
		return err
	}
	policy := manifests.BotNetworkPolicy(s.bot, s.target, r.Options)
	if policy != nil {
		if _, err := apply.Apply(ctx, r.Applier, owned, policy); err != nil {
			return err
		}
	}
	return prunePolicies(ctx, &r.Base, s.bot, manifests.BotSelector(s.bot.Name),
		map[string]bool{manifests.BotName(s.bot.Name): policy != nil})
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
	selector := manifests.BotSelector(s.bot.Name)
	var deployments appsv1.DeploymentList
	if err := r.Client.List(ctx, &deployments, client.InNamespace(s.bot.Namespace), client.MatchingLabels(selector)); err != nil {
		return fmt.Errorf("listing clusters: %w", err)
	}
	keep := map[string]bool{}
	for i := range deployments.Items {
		template := &deployments.Items[i].Spec.Template.ObjectMeta
		keep[deployments.Items[i].Name] = manifests.LayoutOf(template) == wanted[template.Labels[v1alpha1.LabelCluster]]
	}
	if err := apply.Prune(ctx, r.Applier, s.bot, pointers(deployments.Items), keep); err != nil {
		return err
	}
	for i := range s.pods {
		if pod := &s.pods[i]; runs(pod) && manifests.LayoutOf(&pod.ObjectMeta) != wanted[pod.Labels[v1alpha1.LabelCluster]] {
			return &hold{reason: v1alpha1.ReasonResharding, message: "waiting for the pods of the old shard layout to stop"}
		}
	}
	return nil
}

// runs tells whether a pod may have a running process.
func runs(pod *corev1.Pod) bool {
	return pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

// ensureClusters creates what is missing and changes what may be changed now. A
// cluster that cannot be written does not hold back the others.
func (r *ArgusBotReconciler) ensureClusters(ctx context.Context, s *botScope) error {
	owned := apply.ControlledBy(s.bot)
	effective := manifests.BotEffective(s.bot, s.target)
	ranges := manifests.ShardRanges(s.bot.Spec.Sharding)
	desired, err := manifests.BotDeployments(s.bot, s.target)
	if err != nil {
		return err
	}
	pods := podsByCluster(s.pods)
	s.clusters = make([]clusterScope, len(desired))
	decide := make([]rollout.Cluster, len(desired))
	var failed []error
	for i := range desired {
		s.clusters[i] = clusterScope{
			identity: manifests.Identity(effective.IdentityPrefix, i), shards: ranges[i], pods: pods[strconv.Itoa(i)],
		}
		found, err := apply.Check(ctx, r.Applier, owned, desired[i])
		if err != nil {
			failed = append(failed, err)
			decide[i] = rollout.Cluster{Exists: true, Updated: true, Available: true} // not ours to start
			continue
		}
		if found.Exists {
			s.clusters[i].live, s.clusters[i].stands = found.Live, found.Stands
		}
		decide[i] = rollout.Cluster{
			Exists: found.Exists, Updated: found.Stands, Drifted: found.Drifted, Available: found.Exists && available(found.Live),
		}
	}
	for _, i := range rollout.Next(decide) {
		if s.missing != nil && !decide[i].Drifted {
			continue // its pod could not start
		}
		live, err := apply.Apply(ctx, r.Applier, owned, desired[i])
		if err != nil {
			failed = append(failed, err)
			continue
		}
		s.clusters[i].live, s.clusters[i].stands = live, true
	}
	return errors.Join(failed...)
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
	source := FleetSource{URL: s.target.URL, Namespace: s.bot.Namespace, Viewer: *s.target.ViewerToken}
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
