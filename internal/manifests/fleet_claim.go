package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// argoKeep tells Argo CD that the object is nobody's to prune or to flag.
func argoKeep() map[string]string {
	return map[string]string{
		"argocd.argoproj.io/sync-options":    "Prune=false",
		"argocd.argoproj.io/compare-options": "IgnoreExtraneous",
	}
}

// FleetRetains tells whether the state outlives the ArgusFleet.
func FleetRetains(fleet *v1alpha1.ArgusFleet) bool {
	storage := or(fleet.Spec.Storage, v1alpha1.FleetStorage{})
	return or(storage.RetentionPolicy, v1alpha1.Retain) == v1alpha1.Retain
}

// FleetClaim is the claim for the control plane's state file. With retention it
// has no owner, so that deleting the ArgusFleet leaves it, and a new ArgusFleet of
// the same name adopts it.
func FleetClaim(fleet *v1alpha1.ArgusFleet) *corev1.PersistentVolumeClaim {
	storage := or(fleet.Spec.Storage, v1alpha1.FleetStorage{})
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: objectMeta(FleetClaimName(fleet.Name), fleet.Namespace, retainedLabels(fleet.Name), nil),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.PersistentVolumeAccessMode(or(storage.AccessMode, v1alpha1.AccessMode(corev1.ReadWriteOncePod)))},
			StorageClassName: storage.StorageClassName,
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceStorage: or(storage.Size, resource.MustParse(defaultClaimSize)),
			}},
		},
	}
	keepOrOwn(fleet, claim)
	return claim
}

// keepOrOwn marks an object of the state as kept, or gives it its owner.
func keepOrOwn(fleet *v1alpha1.ArgusFleet, object metav1.Object) {
	if FleetRetains(fleet) {
		object.SetAnnotations(argoKeep())
		return
	}
	object.SetOwnerReferences([]metav1.OwnerReference{*FleetOwner(fleet)})
}
