package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// ensureSecrets makes the tokens once, and hands each party its own.
func (r *ArgusFleetReconciler) ensureSecrets(ctx context.Context, s *fleetScope) error {
	server, err := r.serverSecret(ctx, s.fleet)
	if err != nil {
		return err
	}
	if missing := missingKeys(server.Data); len(missing) > 0 {
		return &hold{
			reason: v1alpha1.ReasonSecretInvalid, stalled: true, after: retryMissing,
			message: fmt.Sprintf("Secret %q has lost %s: put it back; nothing is generated over an existing Secret",
				server.Name, strings.Join(missing, ", ")),
		}
	}
	s.tokens = server.Data
	for _, secret := range []*corev1.Secret{
		manifests.FleetMemberSecret(s.fleet, s.tokens),
		manifests.FleetViewerSecret(s.fleet, s.tokens),
	} {
		if _, err := apply.Apply(ctx, r.Applier, apply.ControlledBy(s.fleet), secret); err != nil {
			return err
		}
	}
	return nil
}

// serverSecret reads the Secret with the control plane's tokens, or creates it.
func (r *ArgusFleetReconciler) serverSecret(ctx context.Context, fleet *v1alpha1.ArgusFleet) (*corev1.Secret, error) {
	secret := manifests.FleetServerSecret(fleet, nil)
	err := r.Client.Get(ctx, client.ObjectKeyFromObject(secret), secret)
	if apierrors.IsNotFound(err) {
		return r.newServerSecret(ctx, fleet)
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", secret.Name, err)
	}
	if !apply.Labelled(fleet, v1alpha1.LabelFleet, fleet.Name)(secret) {
		return nil, &apply.NameConflictError{Kind: "Secret", Name: secret.Name}
	}
	if !secret.DeletionTimestamp.IsZero() {
		return nil, &apply.TerminatingError{Kind: "Secret", Name: secret.Name}
	}
	return secret, r.followRetention(ctx, fleet, secret)
}

func (r *ArgusFleetReconciler) newServerSecret(ctx context.Context, fleet *v1alpha1.ArgusFleet) (*corev1.Secret, error) {
	data, err := tokens.GenerateServer(r.Random)
	if err != nil {
		return nil, fmt.Errorf("generating tokens: %w", err)
	}
	secret := manifests.FleetServerSecret(fleet, data)
	if err := r.Client.Create(ctx, secret, client.FieldOwner(v1alpha1.FieldOwner)); err != nil {
		return nil, fmt.Errorf("creating Secret %s: %w", secret.Name, err)
	}
	r.Applier.NoteWrite("Secret", "create", secret)
	return secret, nil
}

// followRetention gives the server Secret its owner, or takes it away, when the
// retention policy changed. The tokens in it are not part of the patch.
func (r *ArgusFleetReconciler) followRetention(ctx context.Context, fleet *v1alpha1.ArgusFleet, secret *corev1.Secret) error {
	want := manifests.FleetServerSecret(fleet, nil)
	if slices.EqualFunc(secret.OwnerReferences, want.OwnerReferences, func(a, b metav1.OwnerReference) bool { return a.UID == b.UID }) {
		return nil
	}
	before := secret.DeepCopy()
	secret.OwnerReferences = want.OwnerReferences
	if err := r.Client.Patch(ctx, secret, client.MergeFrom(before), client.FieldOwner(v1alpha1.FieldOwner)); err != nil {
		return fmt.Errorf("changing the owner of Secret %s: %w", secret.Name, err)
	}
	r.Applier.NoteWrite("Secret", "patch", secret)
	return nil
}

func missingKeys(data map[string][]byte) []string {
	var missing []string
	for _, key := range tokens.ServerKeys() {
		if tokens.First(data[key]) == "" {
			missing = append(missing, key)
		}
	}
	return missing
}

// ensureObjects applies everything else, the Deployment last.
func (r *ArgusFleetReconciler) ensureObjects(ctx context.Context, s *fleetScope) error {
	owned := apply.ControlledBy(s.fleet)
	if _, err := apply.Apply(ctx, r.Applier, owned, manifests.FleetServiceAccount(s.fleet)); err != nil {
		return err
	}
	if policy := manifests.FleetNetworkPolicy(s.fleet, r.Options); policy != nil {
		if _, err := apply.Apply(ctx, r.Applier, owned, policy); err != nil {
			return err
		}
	}
	if _, err := apply.Apply(ctx, r.Applier, owned, manifests.FleetService(s.fleet)); err != nil {
		return err
	}
	claim, err := apply.Apply(ctx, r.Applier, apply.Labelled(s.fleet, v1alpha1.LabelFleet, s.fleet.Name), manifests.FleetClaim(s.fleet))
	if err != nil {
		return err
	}
	s.claim = claim
	deployment, err := apply.Apply(ctx, r.Applier, owned, manifests.FleetDeployment(s.fleet, r.Options))
	if err != nil {
		return err
	}
	s.deployment = deployment
	return nil
}

// prune deletes what the spec no longer asks for.
func (r *ArgusFleetReconciler) prune(ctx context.Context, s *fleetScope) error {
	keep := map[string]bool{manifests.FleetName(s.fleet.Name): manifests.FleetNetworkPolicy(s.fleet, r.Options) != nil}
	return prunePolicies(ctx, &r.Base, s.fleet, manifests.FleetSelector(s.fleet.Name), keep)
}

// prunePolicies deletes the NetworkPolicies of owner that are not kept.
func prunePolicies(ctx context.Context, b *Base, owner client.Object, selector map[string]string, keep map[string]bool) error {
	var policies networkingv1.NetworkPolicyList
	if err := b.Client.List(ctx, &policies, client.InNamespace(owner.GetNamespace()), client.MatchingLabels(selector)); err != nil {
		return fmt.Errorf("listing network policies: %w", err)
	}
	return apply.Prune(ctx, b.Applier, owner, pointers(policies.Items), keep)
}

// observe reads the pods, for what ails them.
func (r *ArgusFleetReconciler) observe(ctx context.Context, s *fleetScope) error {
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(s.fleet.Namespace), client.MatchingLabels(manifests.FleetSelector(s.fleet.Name)))
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	s.pods = pods.Items
	return nil
}

// ask reads the control plane, once its pod can answer.
func (r *ArgusFleetReconciler) ask(ctx context.Context, s *fleetScope) {
	if !serving(s.deployment) {
		return
	}
	s.asked = true
	summary, err := r.Fleets.Summary(ctx, fleetSource(s.fleet))
	r.Metrics.asked(err)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("control plane cannot be read", "cause", fmt.Sprint(causeOf(err)))
		s.askedError = err
		return
	}
	s.summary = &summary
}

// serving tells whether a pod runs, ready or not: a control plane that is not ready
// still answers.
func serving(deployment *appsv1.Deployment) bool {
	return deployment != nil && deployment.Status.Replicas > 0
}

func fleetSource(fleet *v1alpha1.ArgusFleet) FleetSource {
	target := manifests.TargetOf(fleet)
	return FleetSource{URL: target.URL, Namespace: fleet.Namespace, Viewer: *target.ViewerToken}
}

func pointers[T any](items []T) []*T {
	list := make([]*T, 0, len(items))
	for i := range items {
		list = append(list, &items[i])
	}
	return list
}
