package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// ensureClaim makes the claim, adopts the one that an earlier ArgusFleet of this name
// has left, or looks at the one that the spec names.
func (r *ArgusFleetReconciler) ensureClaim(ctx context.Context, s *fleetScope) error {
	if err := r.readClaim(ctx, s); err != nil {
		return err
	}
	desired := manifests.FleetClaim(s.fleet, s.claim)
	if desired == nil {
		return nil
	}
	owned := apply.Labelled(s.fleet, v1alpha1.LabelFleet, s.fleet.Name)
	claim, refusal, err := r.growths.apply(ctx, &r.Base, owned, s.claim, desired)
	s.refusal = refusal
	if _, leaving := errors.AsType[*apply.TerminatingError](err); leaving {
		return claimLeaving(desired.Name)
	}
	s.claim = claim
	return err
}

// readClaim looks at the claim as it is, or finds none. One of the user's own carries
// no label of ours, so no cache holds it.
func (r *ArgusFleetReconciler) readClaim(ctx context.Context, s *fleetScope) error {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.fleet.Namespace, Name: manifests.FleetClaimName(s.fleet),
	}}
	read, theirs := r.Applier.Read, namesClaim(s.fleet)
	if theirs {
		read = r.Applier.ReadLive
	}
	err := read(ctx, claim)
	if apierrors.IsNotFound(err) {
		if theirs {
			s.missing = claimMissing(claim.Name)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading PersistentVolumeClaim %s: %w", claim.Name, err)
	}
	s.claim = claim
	return nil
}

// namesClaim tells whether the state is in a claim of the user's own.
func namesClaim(fleet *v1alpha1.ArgusFleet) bool {
	return fleet.Spec.Storage != nil && fleet.Spec.Storage.ExistingClaimRef != nil
}

func claimMissing(name string) *hold {
	return &hold{
		reason: v1alpha1.ReasonClaimMissing, stalled: true, after: retryMissing,
		message: fmt.Sprintf("spec.storage.existingClaimRef: PersistentVolumeClaim %q does not exist: create it, or make another ArgusFleet with the right name", name),
	}
}

func claimLeaving(name string) *hold {
	return &hold{
		reason: v1alpha1.ReasonClaimLost, stalled: true, after: retryConflict,
		message: fmt.Sprintf("PersistentVolumeClaim %q is being deleted and goes when the control plane's pod does: "+
			"back up the state now if it is still wanted, then delete the pod", name),
	}
}

func storageStatus(s *fleetScope, old *v1alpha1.FleetStorageStatus) *v1alpha1.FleetStorageStatus {
	if s.claim == nil {
		return old
	}
	storage := &v1alpha1.FleetStorageStatus{ClaimName: s.claim.Name}
	if capacity, ok := s.claim.Status.Capacity[corev1.ResourceStorage]; ok {
		storage.Capacity = capacity.String()
	}
	return storage
}

// setStorageBound tells how the claim is.
func setStorageBound(c *conditions, s *fleetScope) {
	set := func(status metav1.ConditionStatus, reason, message string) {
		c.set(v1alpha1.ConditionStorageBound, status, reason, message)
	}
	claim := s.claim
	switch {
	case claim == nil && namesClaim(s.fleet) && s.missing != nil:
		set(metav1.ConditionFalse, v1alpha1.ReasonClaimMissing, claimMissing(manifests.FleetClaimName(s.fleet)).message)
	case claim == nil:
		set(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the claim has not been looked at")
	case claim.Status.Phase == corev1.ClaimLost:
		set(metav1.ConditionFalse, v1alpha1.ReasonClaimLost,
			fmt.Sprintf("the volume of PersistentVolumeClaim %q is gone: restore it, or restore a backup of the state into a new claim", claim.Name))
	case !claim.DeletionTimestamp.IsZero():
		set(metav1.ConditionFalse, v1alpha1.ReasonClaimLost, claimLeaving(claim.Name).message)
	case claim.Status.Phase != corev1.ClaimBound:
		set(metav1.ConditionFalse, v1alpha1.ReasonClaimPending, pendingClaim(s))
	default:
		boundClaim(s, set)
	}
}

// boundClaim tells of a claim that has its volume.
func boundClaim(s *fleetScope, set func(status metav1.ConditionStatus, reason, message string)) {
	claim := s.claim
	asked, has := claim.Spec.Resources.Requests[corev1.ResourceStorage], claim.Status.Capacity[corev1.ResourceStorage]
	difference := manifests.ClaimDifference(s.fleet, claim)
	switch {
	case s.refusal != "":
		set(metav1.ConditionTrue, v1alpha1.ReasonResizeRefused, s.refusal)
	case !has.IsZero() && has.Cmp(asked) < 0:
		set(metav1.ConditionTrue, v1alpha1.ReasonResizing, fmt.Sprintf("PersistentVolumeClaim %q grows to %s%s", claim.Name, asked.String(), resizing(claim)))
	case difference != "":
		set(metav1.ConditionTrue, v1alpha1.ReasonClaimDiffers,
			fmt.Sprintf("PersistentVolumeClaim %q was there before and keeps its %s", claim.Name, difference))
	default:
		set(metav1.ConditionTrue, v1alpha1.ReasonBound, "the claim has its volume")
	}
}

// resizing says what a growth waits for, as the claim's own conditions have it.
func resizing(claim *corev1.PersistentVolumeClaim) string {
	for _, condition := range claim.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		switch condition.Type {
		case corev1.PersistentVolumeClaimFileSystemResizePending:
			return ": the file system follows when the node mounts the volume again; delete the control plane's pod if it stays so"
		case corev1.PersistentVolumeClaimControllerResizeError, corev1.PersistentVolumeClaimNodeResizeError:
			return ", and its driver fails: " + oneLine(condition.Message)
		}
	}
	return ""
}

// pendingClaim says what a claim waits for, as far as the API tells without its events.
func pendingClaim(s *fleetScope) string {
	class := s.claim.Spec.StorageClassName
	texts := []string{fmt.Sprintf("PersistentVolumeClaim %q waits for a volume", s.claim.Name)}
	switch {
	case class == nil:
		texts[0] += ": it names no storage class, and the cluster has given it no default one"
	case *class == "":
		texts[0] += " without a storage class, which somebody has to provide"
	default:
		texts[0] += fmt.Sprintf(" of storage class %q", *class)
	}
	for _, condition := range s.claim.Status.Conditions {
		if condition.Message != "" && condition.Status == corev1.ConditionTrue {
			texts = append(texts, oneLine(condition.Message))
		}
	}
	for i := range s.pods {
		if found := unschedulable(&s.pods[i]); found != nil {
			texts = append(texts, found.message)
			break
		}
	}
	return strings.Join(texts, "; ")
}
