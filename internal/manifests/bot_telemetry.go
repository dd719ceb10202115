package manifests

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// telemetryEnv tells the process what to send where, beside its metrics. The DSN is
// among its secrets.
func telemetryEnv(bot *v1alpha1.ArgusBot) []corev1.EnvVar {
	var env []corev1.EnvVar
	if bot.Spec.Analytics != nil {
		env = append(env, envValue(fleetapi.EnvMemberPerGuild, onOff(true)))
	}
	if otlp := bot.Spec.OTLP; otlp != nil {
		env = append(env,
			envValue(fleetapi.EnvMemberOTLPEndpoint, otlp.Endpoint),
			envValue(fleetapi.EnvMemberTracing, onOff(or(otlp.Tracing, v1alpha1.Disabled) == v1alpha1.Enabled)))
	}
	return env
}

// The ports on which ClickHouse speaks its own protocol, in the clear and over TLS.
const (
	clickHouseNativePort    = 9000
	clickHouseNativeTLSPort = 9440
)

// telemetryEgress are the ports that the process sends telemetry to. Those may be
// anywhere, and a policy knows no names.
func telemetryEgress(bot *v1alpha1.ArgusBot) []networkingv1.NetworkPolicyEgressRule {
	var rules []networkingv1.NetworkPolicyEgressRule
	if bot.Spec.Analytics != nil {
		rules = append(rules, networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{
			tcp(clickHousePort), tcp(clickHouseTLSPort), tcp(clickHouseNativePort), tcp(clickHouseNativeTLSPort),
		}})
	}
	if otlp := bot.Spec.OTLP; otlp != nil {
		if port, err := portOf(otlp.Endpoint); err == nil { // BotDeployments reports the error
			rules = append(rules, networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{tcp(port)}})
		}
	}
	return rules
}
