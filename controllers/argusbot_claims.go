package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// ensureClaims makes the claims of the clusters, and has those that stand grow.
func (r *ArgusBotReconciler) ensureClaims(ctx context.Context, s *botScope) error {
	owned := apply.ControlledBy(s.bot)
	for _, desired := range manifests.BotClaims(s.bot) {
		live := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: desired.Namespace, Name: desired.Name}}
		err := r.Applier.Read(ctx, live)
		switch {
		case apierrors.IsNotFound(err):
			live = nil
		case err != nil:
			return fmt.Errorf("reading PersistentVolumeClaim %s: %w", desired.Name, err)
		default:
			manifests.KeepClaimSize(desired, live)
		}
		_, refusal, err := r.growths.apply(ctx, &r.Base, owned, live, desired)
		if _, leaves := errors.AsType[*apply.TerminatingError](err); leaves {
			// It waits for its pod, and what that pod may need is not to wait for it.
			refusal = "somebody has deleted the claim, and its state goes when the pod is replaced"
		} else if err != nil {
			return err
		}
		if refusal != "" && s.refusal == "" {
			s.refusal = fmt.Sprintf("PersistentVolumeClaim %q: %s", desired.Name, refusal)
		}
	}
	return nil
}

// pruneClaims deletes the claims of clusters that are gone, or of all where the spec asks
// for none any more.
func (r *ArgusBotReconciler) pruneClaims(ctx context.Context, s *botScope) error {
	keep := map[string]bool{}
	for _, claim := range manifests.BotClaims(s.bot) {
		keep[claim.Name] = true
	}
	return prune(ctx, &r.Base, s.bot, &corev1.PersistentVolumeClaimList{}, manifests.BotSelector(s.bot.Name), keep)
}
