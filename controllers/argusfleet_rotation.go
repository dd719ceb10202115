package controllers

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

const (
	// defaultRotationGrace is what members have for following a rotation, beyond two
	// TTLs: a kubelet takes up to two minutes to bring a changed Secret into a pod.
	defaultRotationGrace = 5 * time.Minute
	// rotationPoll is how often a control plane is asked while its tokens change.
	rotationPoll = 15 * time.Second
	// existingPoll is how often a user's own Secret with the tokens is read.
	existingPoll = time.Minute
)

// rotate takes the next step of the rotation, if it is time for one. Each is one write
// of the server Secret that tells of itself, so a crash between two steps loses nothing.
func (r *ArgusFleetReconciler) rotate(ctx context.Context, s *fleetScope, server *corev1.Secret) error {
	if err := s.openVault(ctx, server); err != nil {
		return err
	}
	r.lookAtTokens(s)
	plan, request, now := r.planOf(s), requestOf(s.fleet), r.Now()
	if plan.Step == tokens.StepNone {
		return nil
	}
	after, err := s.vault.Take(*plan, request, now, r.Random)
	if err != nil {
		return fmt.Errorf("rotating the tokens: %w", err)
	}
	before := server.DeepCopy()
	server.Data = after.Server
	mark(server, after.Marks)
	if err := r.patchServer(ctx, before, server); err != nil {
		return err
	}
	log.FromContext(ctx).Info("token rotation", "step", plan.Step, "forced", plan.Forced && plan.Step == tokens.StepDrop)
	s.vault = &after
	return nil
}

// openVault reads what the Secrets hold.
func (s *fleetScope) openVault(ctx context.Context, server *corev1.Secret) error {
	marks := tokens.ReadMarks(server.Annotations)
	if marks.RotatedAt.IsZero() {
		marks.RotatedAt = server.CreationTimestamp.Time
	}
	s.vault = &tokens.Vault{Server: server.Data, Marks: marks}
	return s.readHanded(ctx)
}

// readHanded reads what bots and people have been handed, where there was a choice.
func (s *fleetScope) readHanded(ctx context.Context) (err error) {
	if !s.vault.Several() {
		return nil
	}
	if s.vault.Member, err = s.handed(ctx, manifests.FleetMemberSecretName(s.fleet.Name)); err != nil {
		return err
	}
	s.vault.Viewer, err = s.handed(ctx, manifests.FleetViewerSecretName(s.fleet.Name))
	return err
}

func (s *fleetScope) handed(ctx context.Context, name string) (string, error) {
	var secret corev1.Secret
	err := s.secrets.Get(ctx, client.ObjectKey{Namespace: s.fleet.Namespace, Name: name}, &secret)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return tokens.First(secret.Data[tokens.KeyToken]), nil
}

// lookAtTokens asks the control plane which tokens it accepts and who uses them, while
// that matters. What is known is taken, and nothing waits for an answer.
func (r *ArgusFleetReconciler) lookAtTokens(s *fleetScope) {
	if s.vault.Settled() || !hasAnswered(s.fleet) {
		return
	}
	source := fleetSource(s.asRun())
	source.WithTokens = true
	asker := Asker{Kind: v1alpha1.KindArgusFleet, NamespacedName: client.ObjectKeyFromObject(s.fleet)}
	answer := r.Fleets.Answer(source, min(fleetPoll(s.fleet), rotationPoll), asker)
	if answer.Err != nil || answer.Status == nil {
		return
	}
	s.sight = tokens.Sight{At: answer.At, Tokens: answer.Tokens, Clusters: answer.Status.Clusters}
}

// lookAtRotation reads how the rotation stands, and writes nothing.
func (r *ArgusFleetReconciler) lookAtRotation(ctx context.Context, s *fleetScope) error {
	if s.tokensOfOld() != "" {
		return nil
	}
	var server corev1.Secret
	name := manifests.FleetTokenSecret(s.fleet)
	err := s.secrets.Get(ctx, client.ObjectKey{Namespace: s.fleet.Namespace, Name: name}, &server)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", name, err)
	}
	if len(missingKeys(server.Data)) > 0 {
		return nil
	}
	if existingTokens(s.fleet) != "" {
		server.Annotations = nil // a user's own Secret has no marks of ours
	}
	if err := s.openVault(ctx, &server); err != nil {
		return err
	}
	if s.vault.Member, err = s.handed(ctx, manifests.FleetMemberSecretName(s.fleet.Name)); err != nil {
		return err
	}
	r.lookAtTokens(s)
	s.rotation = r.planOf(s)
	return nil
}

func (r *ArgusFleetReconciler) planOf(s *fleetScope) *tokens.Plan {
	request := requestOf(s.fleet)
	if existingTokens(s.fleet) != "" {
		request = tokens.Request{} // the user rotates what is the user's
	}
	timing := tokens.Timing{TTL: fleetTTL(s.fleet), Grace: cmp.Or(r.RotationGrace, defaultRotationGrace)}
	plan := s.vault.Plan(request, s.sight, timing, r.Now())
	return &plan
}

// requestOf is what an ArgusFleet asks for its generated tokens.
func requestOf(fleet *v1alpha1.ArgusFleet) tokens.Request {
	request := tokens.Request{
		Rotate: fleet.Annotations[v1alpha1.AnnotationRotateTokens],
		Drop:   fleet.Annotations[v1alpha1.AnnotationDropOldToken],
		Rest:   restsRollouts(fleet.Spec.Suspend),
	}
	if wanted := fleet.Spec.Tokens; wanted != nil && wanted.RotationPeriodHours != nil {
		request.Period = time.Duration(*wanted.RotationPeriodHours) * time.Hour
	}
	return request
}

func fleetTTL(fleet *v1alpha1.ArgusFleet) time.Duration {
	effective := manifests.FleetEffective(&fleet.Spec)
	return time.Duration(effective.HeartbeatIntervalSeconds*effective.TTLFactor) * time.Second
}

// mark writes the marks of the rotation on a server Secret.
func mark(secret *corev1.Secret, marks tokens.Marks) {
	for name, value := range marks.Annotations() {
		if value == "" {
			delete(secret.Annotations, name)
			continue
		}
		metav1.SetMetaDataAnnotation(&secret.ObjectMeta, name, value)
	}
}

// tokensPoll is when to look at the tokens again, which no watch reports.
func tokensPoll(s *fleetScope) time.Duration {
	switch {
	case s.vault != nil && !s.vault.Settled():
		return min(rotationPoll, fleetPoll(s.fleet))
	case existingTokens(s.fleet) != "":
		return min(existingPoll, fleetPoll(s.fleet))
	}
	return fleetPoll(s.fleet)
}
