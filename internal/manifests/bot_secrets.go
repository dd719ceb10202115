package manifests

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// BotSecret is one secret of a bot: where it is, and how the process gets it.
type BotSecret struct {
	// Field of the spec that names the Secret, for messages.
	Field string
	Ref   v1alpha1.SecretKeyRef

	// volume names the mount; env is the variable that the code reads.
	volume, env string
	delivery    v1alpha1.Delivery
}

// BotSecretList is every secret that a bot's pods use, and no other.
type BotSecretList []BotSecret

// BotSecrets lists the secrets of a bot. fleet is the control plane that the bot
// joins, or nil.
func BotSecrets(bot *v1alpha1.ArgusBot, fleet *FleetTarget) BotSecretList {
	discord := bot.Spec.Discord
	secrets := BotSecretList{{
		Field: "spec.discord.tokenSecretRef", Ref: discord.TokenSecretRef, volume: "discord",
		env: or(discord.TokenEnv, defaultTokenEnv), delivery: or(discord.Delivery, v1alpha1.DeliverFile),
	}}
	if fleet != nil {
		secrets = append(secrets, BotSecret{
			Field: "spec.fleet", Ref: fleet.Token, volume: "fleet",
			env: fleetapi.EnvFleetToken, delivery: or(bot.Spec.Fleet.Delivery, v1alpha1.DeliverFile),
		})
	}
	if metrics := bot.Spec.Metrics; metrics != nil && metrics.TokenSecretRef != nil {
		secrets = append(secrets, BotSecret{
			Field: "spec.metrics.tokenSecretRef", Ref: *metrics.TokenSecretRef, volume: "metrics",
			env: fleetapi.EnvMemberMetricsToken, delivery: libraryDelivery(bot),
		})
	}
	if dashboard := bot.Spec.Dashboard; dashboard != nil && dashboard.TokenSecretRef != nil {
		secrets = append(secrets, BotSecret{
			Field: "spec.dashboard.tokenSecretRef", Ref: *dashboard.TokenSecretRef, volume: "dashboard",
			env: fleetapi.EnvMemberDashboardToken, delivery: libraryDelivery(bot),
		})
	}
	return secrets
}

// libraryDelivery is how the bot's Argus library gets its secrets: a library that
// reads no files for one of them reads none for the others.
func libraryDelivery(bot *v1alpha1.ArgusBot) v1alpha1.Delivery {
	return or(or(bot.Spec.Fleet, v1alpha1.BotFleet{}).Delivery, v1alpha1.DeliverFile)
}

func (s BotSecretList) volumes() (volumes []corev1.Volume, mounts []corev1.VolumeMount) {
	for _, secret := range s {
		if secret.delivery == v1alpha1.DeliverFile {
			volume, mount := secretVolume(secret.volume, secret.Ref.Name, secret.Ref.Key)
			volumes, mounts = append(volumes, volume), append(mounts, mount)
		}
	}
	return volumes, mounts
}

func (s BotSecretList) env() []corev1.EnvVar {
	env := make([]corev1.EnvVar, 0, len(s))
	for _, secret := range s {
		if secret.delivery == v1alpha1.DeliverFile {
			env = append(env, envValue(secret.env+fleetapi.FileSuffix, secretDir(secret.volume)+"/"+secret.Ref.Key))
			continue
		}
		env = append(env, corev1.EnvVar{Name: secret.env, ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: secret.Ref.Name}, Key: secret.Ref.Key,
			},
		}})
	}
	return env
}
