package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// BotClaimName is the name of a cluster's claim.
func BotClaimName(bot string, index int) string { return BotClusterName(bot, index) + "-state" }

// BotClaims are the claims of a bot's clusters, in order of their index; none where
// the spec asks for none. They belong to the ArgusBot and go with it: what they hold
// is the identity and lease of a library, and the control plane hands a new lease to
// an identity that has been down for a while.
func BotClaims(bot *v1alpha1.ArgusBot) []*corev1.PersistentVolumeClaim {
	state := bot.Spec.State
	if state == nil {
		return nil
	}
	var claims []*corev1.PersistentVolumeClaim
	for index := range ShardRanges(bot.Spec.Sharding) {
		claims = append(claims, &corev1.PersistentVolumeClaim{
			ObjectMeta: objectMeta(BotClaimName(bot.Name, index), bot.Namespace, botClusterLabels(bot.Name, index), BotOwner(bot)),
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				StorageClassName: state.StorageClassName,
				Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceStorage: or(state.Size, resource.MustParse(defaultBotClaimSize)),
				}},
			},
		})
	}
	return claims
}

// KeepClaimSize has a claim ask for no less than the live one has: a claim cannot shrink.
func KeepClaimSize(claim, live *corev1.PersistentVolumeClaim) {
	if size := live.Spec.Resources.Requests[corev1.ResourceStorage]; size.Cmp(claim.Spec.Resources.Requests[corev1.ResourceStorage]) > 0 {
		claim.Spec.Resources.Requests[corev1.ResourceStorage] = size
	}
}

// stateVolume is where the bot's library keeps its identity and lease.
func stateVolume(bot *v1alpha1.ArgusBot, index int) (corev1.Volume, corev1.VolumeMount) {
	volume, mount := scratchVolume("state", botStateDir, "16Mi")
	if bot.Spec.State != nil {
		volume.VolumeSource = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{
			ClaimName: BotClaimName(bot.Name, index),
		}}
	}
	return volume, mount
}
