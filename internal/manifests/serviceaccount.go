package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// FleetServiceAccount is an identity of the control plane's own, without any right.
func FleetServiceAccount(fleet *v1alpha1.ArgusFleet) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		ObjectMeta:                   objectMeta(FleetName(fleet.Name), fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet)),
		AutomountServiceAccountToken: ptr.To(false),
	}
}

// BotServiceAccount is an identity of the bot's own, without any right.
func BotServiceAccount(bot *v1alpha1.ArgusBot) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		ObjectMeta:                   objectMeta(BotName(bot.Name), bot.Namespace, botLabels(bot.Name), BotOwner(bot)),
		AutomountServiceAccountToken: ptr.To(false),
	}
}
