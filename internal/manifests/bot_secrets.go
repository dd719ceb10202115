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

	// volume names the mount; env is the variable that the code reads, "" for an
	// authority, which is no secret and only lies in one.
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
		if ca := fleet.CA; ca != nil && !inConfigMap(ca) {
			secrets = append(secrets, BotSecret{Field: fleet.field("caRef"), Ref: v1alpha1.SecretKeyRef{Name: ca.Name, Key: ca.Key}})
		}
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
	if analytics := bot.Spec.Analytics; analytics != nil {
		secrets = append(secrets, BotSecret{
			Field: "spec.analytics.clickhouseDSNSecretRef", Ref: analytics.ClickHouseDSNSecretRef, volume: "clickhouse",
			env: fleetapi.EnvMemberClickHouseDSN, delivery: libraryDelivery(bot),
		})
	}
	return secrets
}

// libraryDelivery is how the bot's Argus library gets its secrets: a library that
// reads no files for one of them reads none for the others.
func libraryDelivery(bot *v1alpha1.ArgusBot) v1alpha1.Delivery {
	return or(or(bot.Spec.Fleet, v1alpha1.BotFleet{}).Delivery, v1alpha1.DeliverFile)
}

// botParts deliver the secrets to the bot, and the authority of its control plane.
func botParts(bot *v1alpha1.ArgusBot, fleet *FleetTarget) podParts {
	var parts podParts
	for _, secret := range BotSecrets(bot, fleet) {
		switch {
		case secret.env == "": // mounted below
		case secret.delivery == v1alpha1.DeliverFile:
			parts.secret(secret.volume, secret.env, secret.Ref)
		default:
			parts.env = append(parts.env, corev1.EnvVar{Name: secret.env, ValueFrom: &corev1.EnvVarSource{
				SecretKeyRef: &corev1.SecretKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: secret.Ref.Name}, Key: secret.Ref.Key,
				},
			}})
		}
	}
	if fleet != nil {
		parts.authority("fleet-ca", fleetapi.EnvMemberFleetCAFile, fleet.CA)
	}
	return parts
}
