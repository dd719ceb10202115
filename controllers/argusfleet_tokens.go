package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// keepTokens does what ensureSecrets does, and goes on without tokens where a person has
// to mend their Secret.
func (r *ArgusFleetReconciler) keepTokens(ctx context.Context, s *fleetScope) error {
	err := r.ensureSecrets(ctx, s)
	if held, ok := errors.AsType[*hold](err); ok {
		s.missing, s.unusable = held, held
		return nil
	}
	return err
}

// ensureSecrets makes the tokens once, goes on with their rotation, and hands each
// party its own.
func (r *ArgusFleetReconciler) ensureSecrets(ctx context.Context, s *fleetScope) error {
	if existingTokens(s.fleet) != "" {
		return r.followExisting(ctx, s)
	}
	server, err := r.serverSecret(ctx, s)
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
	if err := r.rotate(ctx, s, server); err != nil {
		return err
	}
	return r.handOut(ctx, s)
}

// existingTokens names the user's own Secret with the tokens, or is "".
func existingTokens(fleet *v1alpha1.ArgusFleet) string {
	if fleet.Spec.Tokens == nil || fleet.Spec.Tokens.ExistingSecretRef == nil {
		return ""
	}
	return fleet.Spec.Tokens.ExistingSecretRef.Name
}

// followExisting hands out what the user's own Secret holds, which is never written to.
func (r *ArgusFleetReconciler) followExisting(ctx context.Context, s *fleetScope) error {
	name := existingTokens(s.fleet)
	wanted := &input{field: "spec.tokens.existingSecretRef", kind: v1alpha1.CAInSecret, name: name}
	data, err := readData(ctx, s.secrets, s.fleet.Namespace, inputSource{wanted.kind, name})
	if apierrors.IsNotFound(err) {
		return secretMissing(wanted, fmt.Sprintf("Secret %q does not exist: create it with the keys %s", name, strings.Join(tokens.ServerKeys(), ", ")))
	}
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", name, err)
	}
	if missing := missingKeys(data); len(missing) > 0 {
		return secretMissing(wanted, fmt.Sprintf("Secret %q has no %s, or it is empty: add it", name, strings.Join(missing, ", ")))
	}
	s.vault = &tokens.Vault{Server: data}
	if err := s.readHanded(ctx); err != nil {
		return err
	}
	r.lookAtTokens(s)
	return r.handOut(ctx, s)
}

// handOut gives bots and people the tokens that are theirs to present.
func (r *ArgusFleetReconciler) handOut(ctx context.Context, s *fleetScope) error {
	if s.tokensOfOld() != "" {
		s.vault = nil // the control plane would refuse these
		return nil
	}
	member, viewer := s.vault.Handouts(s.sight)
	for _, secret := range []*corev1.Secret{
		manifests.FleetMemberSecret(s.fleet, map[string][]byte{tokens.KeyIngest: []byte(member)}),
		manifests.FleetViewerSecret(s.fleet, map[string][]byte{tokens.KeyViewer: []byte(viewer)}),
	} {
		if err := r.keepSecret(ctx, s, secret); err != nil {
			return err
		}
	}
	s.vault.Member, s.vault.Viewer = member, viewer
	s.rotation = r.planOf(s)
	return nil
}

// tokensOfOld names the Secret whose tokens the control plane still accepts while the
// spec asks for those of another, or is "".
func (s *fleetScope) tokensOfOld() string {
	if mounted := manifests.FleetTokenSecret(s.asRun()); mounted != manifests.FleetTokenSecret(s.fleet) {
		return mounted
	}
	return ""
}

// keepSecret makes a Secret stand as desired.
func (r *ArgusFleetReconciler) keepSecret(ctx context.Context, s *fleetScope, desired *corev1.Secret) error {
	live := &corev1.Secret{}
	err := s.secrets.Get(ctx, client.ObjectKeyFromObject(desired), live)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading Secret %s: %w", desired.Name, err)
	}
	if err != nil {
		live = nil
	}
	owned := apply.ControlledBy(s.fleet)
	found, err := apply.Compare(r.Applier, owned, desired, live)
	if err != nil {
		return err
	}
	_, err = apply.Write(ctx, r.Applier, owned, found)
	return err
}

// serverSecret reads the Secret with the control plane's tokens, or creates it.
func (r *ArgusFleetReconciler) serverSecret(ctx context.Context, s *fleetScope) (*corev1.Secret, error) {
	fleet, secret := s.fleet, manifests.FleetServerSecret(s.fleet, nil)
	err := s.secrets.Get(ctx, client.ObjectKeyFromObject(secret), secret)
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

// newServerSecret generates the tokens. What the annotations ask for has then been
// done: nothing is newer than these tokens.
func (r *ArgusFleetReconciler) newServerSecret(ctx context.Context, fleet *v1alpha1.ArgusFleet) (*corev1.Secret, error) {
	data, err := tokens.GenerateServer(r.Random)
	if err != nil {
		return nil, fmt.Errorf("generating tokens: %w", err)
	}
	secret := manifests.FleetServerSecret(fleet, data)
	asked := requestOf(fleet)
	mark(secret, tokens.Marks{Rotate: asked.Rotate, Drop: asked.Drop})
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
	return r.patchServer(ctx, before, secret)
}

// patchServer writes what differs in a server Secret, and fails with a conflict when
// anybody has written to it since it was read: no token may be lost between two writers.
func (r *ArgusFleetReconciler) patchServer(ctx context.Context, before, secret *corev1.Secret) error {
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, secret, patch, client.FieldOwner(v1alpha1.FieldOwner)); err != nil {
		return fmt.Errorf("changing Secret %s: %w", secret.Name, err)
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
