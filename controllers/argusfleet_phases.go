package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	for _, secret := range []*corev1.Secret{
		manifests.FleetMemberSecret(s.fleet, server.Data),
		manifests.FleetViewerSecret(s.fleet, server.Data),
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
	retains := manifests.FleetRetains(fleet)
	if retains == !metav1.IsControlledBy(secret, fleet) {
		return nil
	}
	before := secret.DeepCopy()
	want := manifests.FleetServerSecret(fleet, nil)
	secret.OwnerReferences = slices.DeleteFunc(secret.OwnerReferences, func(owner metav1.OwnerReference) bool { return owner.UID == fleet.UID })
	secret.OwnerReferences = append(secret.OwnerReferences, want.OwnerReferences...)
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, manifests.ArgoSyncOptions, want.Annotations[manifests.ArgoSyncOptions])
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, manifests.ArgoCompareOptions, want.Annotations[manifests.ArgoCompareOptions])
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

// ensureService makes the control plane's address.
func (r *ArgusFleetReconciler) ensureService(ctx context.Context, s *fleetScope) error {
	_, err := apply.Apply(ctx, r.Applier, apply.ControlledBy(s.fleet), manifests.FleetService(s.fleet))
	return err
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
	if err := r.ensureClaim(ctx, s); err != nil {
		return err
	}
	desired, err := manifests.FleetDeployment(s.fleet, r.Options)
	if err != nil {
		return err
	}
	s.deployment, err = apply.Apply(ctx, r.Applier, owned, desired)
	return err
}

// ensureClaim makes the claim, or adopts the one that an earlier ArgusFleet of this
// name has left.
func (r *ArgusFleetReconciler) ensureClaim(ctx context.Context, s *fleetScope) error {
	live := manifests.FleetClaim(s.fleet, nil)
	err := r.Applier.Read(ctx, live)
	switch {
	case apierrors.IsNotFound(err):
		live = nil
	case err != nil:
		return fmt.Errorf("reading PersistentVolumeClaim %s: %w", live.Name, err)
	}
	owned := apply.Labelled(s.fleet, v1alpha1.LabelFleet, s.fleet.Name)
	s.claim, err = apply.Apply(ctx, r.Applier, owned, manifests.FleetClaim(s.fleet, live))
	if _, leaving := errors.AsType[*apply.TerminatingError](err); leaving {
		return &hold{
			reason: v1alpha1.ReasonClaimLost, stalled: true, after: retryConflict,
			message: fmt.Sprintf("PersistentVolumeClaim %q is being deleted and goes when the control plane's pod does: "+
				"back up the state now if it is still wanted, then delete the pod; a new claim follows", manifests.FleetClaimName(s.fleet.Name)),
		}
	}
	return err
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

// ask looks up how the control plane's clusters are, once it has been up.
func (r *ArgusFleetReconciler) ask(s *fleetScope) {
	if available(s.deployment) || hasAnswered(s.fleet) {
		asker := Asker{Kind: v1alpha1.KindArgusFleet, NamespacedName: client.ObjectKeyFromObject(s.fleet)}
		s.answer = r.Fleets.Answer(fleetSource(s.fleet), fleetPoll(s.fleet), asker)
	}
}

// hasAnswered tells whether a control plane has ever told its version. One that has
// not is still starting, and its silence is no news.
func hasAnswered(fleet *v1alpha1.ArgusFleet) bool { return fleet.Status.Version != "" }

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
