package manifests

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Annotations by which Argo CD leaves an object alone.
const (
	ArgoSyncOptions    = "argocd.argoproj.io/sync-options"
	ArgoCompareOptions = "argocd.argoproj.io/compare-options"
)

// argoKeep tells Argo CD that the object is nobody's to prune or to flag.
func argoKeep() map[string]string {
	return map[string]string{ArgoSyncOptions: "Prune=false", ArgoCompareOptions: "IgnoreExtraneous"}
}

// FleetRetains tells whether the state outlives the ArgusFleet.
func FleetRetains(fleet *v1alpha1.ArgusFleet) bool {
	storage := or(fleet.Spec.Storage, v1alpha1.FleetStorage{})
	return or(storage.RetentionPolicy, v1alpha1.Retain) == v1alpha1.Retain
}

// FleetClaim is the claim for the control plane's state file. With retention it
// has no owner, so that deleting the ArgusFleet leaves it, and a new ArgusFleet of
// the same name adopts it. live is the claim that stands, or nil: its class and
// mode cannot change and it cannot shrink, so there it wins over the spec. It is nil
// where the spec names a claim of the user's own, which is never written to.
func FleetClaim(fleet *v1alpha1.ArgusFleet, live *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	if existingClaim(fleet) {
		return nil
	}
	spec := claimSpec(fleet)
	if live != nil {
		spec.AccessModes = live.Spec.AccessModes
		if spec.StorageClassName != nil {
			spec.StorageClassName = live.Spec.StorageClassName
		}
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: objectMeta(FleetClaimName(fleet), fleet.Namespace, retainedLabels(fleet.Name), nil),
		Spec:       spec,
	}
	if live != nil {
		KeepClaimSize(claim, live)
	}
	keepOrOwn(fleet, claim)
	return claim
}

func existingClaim(fleet *v1alpha1.ArgusFleet) bool {
	return or(fleet.Spec.Storage, v1alpha1.FleetStorage{}).ExistingClaimRef != nil
}

func claimSpec(fleet *v1alpha1.ArgusFleet) corev1.PersistentVolumeClaimSpec {
	storage := or(fleet.Spec.Storage, v1alpha1.FleetStorage{})
	mode := or(storage.AccessMode, v1alpha1.AccessMode(corev1.ReadWriteOncePod))
	return corev1.PersistentVolumeClaimSpec{
		AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.PersistentVolumeAccessMode(mode)},
		StorageClassName: storage.StorageClassName,
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceStorage: or(storage.Size, resource.MustParse(defaultClaimSize)),
		}},
	}
}

// ClaimDifference says in what a claim that stands differs from the spec and cannot
// follow it, or "". A claim of the user's own is as it is.
func ClaimDifference(fleet *v1alpha1.ArgusFleet, live *corev1.PersistentVolumeClaim) string {
	if existingClaim(fleet) {
		return ""
	}
	spec := claimSpec(fleet)
	var differences []string
	if class := or(live.Spec.StorageClassName, ""); spec.StorageClassName != nil && *spec.StorageClassName != class {
		differences = append(differences, fmt.Sprintf("storage class %q", class))
	}
	if !slices.Equal(spec.AccessModes, live.Spec.AccessModes) {
		differences = append(differences, fmt.Sprintf("access modes %v", live.Spec.AccessModes))
	}
	size := live.Spec.Resources.Requests[corev1.ResourceStorage]
	if fleet.Spec.Storage != nil && fleet.Spec.Storage.Size != nil && size.Cmp(*fleet.Spec.Storage.Size) > 0 {
		differences = append(differences, "size "+size.String())
	}
	return strings.Join(differences, ", ")
}

// keepOrOwn marks an object of the state as kept, or gives it its owner.
func keepOrOwn(fleet *v1alpha1.ArgusFleet, object metav1.Object) {
	if FleetRetains(fleet) {
		object.SetAnnotations(argoKeep())
		return
	}
	object.SetOwnerReferences([]metav1.OwnerReference{*FleetOwner(fleet)})
}
