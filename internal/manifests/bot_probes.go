package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// botProbes are the probes of the bot's container. What they ask is fixed, how often
// and how patiently is the spec's.
func botProbes(bot *v1alpha1.ArgusBot) (startup, liveness, readiness *corev1.Probe) {
	wanted := or(bot.Spec.Probes, v1alpha1.BotProbes{})
	health := func(period, failures int32) *corev1.Probe {
		return httpProbe(fleetapi.PathHealthz, corev1.URISchemeHTTP, period, failures)
	}
	// Five minutes: a bot signs in to Discord before it serves.
	startup = tuneProbe(health(2, 150), wanted.Startup)
	liveness = tuneProbe(health(15, 4), wanted.Liveness)
	readiness = tuneProbe(&corev1.Probe{
		ProbeHandler:   corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString(portName)}},
		TimeoutSeconds: 3, PeriodSeconds: 10, FailureThreshold: 3,
	}, wanted.Readiness)
	return startup, liveness, readiness
}

func tuneProbe(probe *corev1.Probe, wanted *v1alpha1.Probe) *corev1.Probe {
	numbers := or(wanted, v1alpha1.Probe{})
	probe.PeriodSeconds = or(numbers.PeriodSeconds, probe.PeriodSeconds)
	probe.TimeoutSeconds = or(numbers.TimeoutSeconds, probe.TimeoutSeconds)
	probe.FailureThreshold = or(numbers.FailureThreshold, probe.FailureThreshold)
	return probe
}
