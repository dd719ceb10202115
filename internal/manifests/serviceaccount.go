package manifests

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// FleetServiceAccount is an identity of the control plane's own, without any right. It
// is nil where the spec names one that exists.
func FleetServiceAccount(fleet *v1alpha1.ArgusFleet) *corev1.ServiceAccount {
	return serviceAccount(fleet.Spec.Pod, objectMeta(FleetName(fleet.Name), fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet)))
}

// BotServiceAccount is an identity of the bot's own, without any right. It is nil
// where the spec names one that exists.
func BotServiceAccount(bot *v1alpha1.ArgusBot) *corev1.ServiceAccount {
	return serviceAccount(bot.Spec.Pod, objectMeta(BotName(bot.Name), bot.Namespace, botLabels(bot.Name), BotOwner(bot)))
}

func serviceAccount(pod *v1alpha1.Pod, meta metav1.ObjectMeta) *corev1.ServiceAccount {
	wanted := wantedAccount(pod)
	if !or(wanted.Create, true) {
		return nil
	}
	meta.Name = or(wanted.Name, meta.Name)
	meta.Annotations = maps.Clone(wanted.Annotations)
	return &corev1.ServiceAccount{ObjectMeta: meta, AutomountServiceAccountToken: ptr.To(false)}
}

func wantedAccount(pod *v1alpha1.Pod) v1alpha1.PodServiceAccount {
	return or(or(pod, v1alpha1.Pod{}).ServiceAccount, v1alpha1.PodServiceAccount{})
}
