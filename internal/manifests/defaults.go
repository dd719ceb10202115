package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	defaultMaxClusters             = 5000
	defaultClaimSize               = "1Gi"
	defaultBotClaimSize            = "16Mi"
	defaultTokenEnv                = "DISCORD_TOKEN"
	defaultMetricsPath             = "/metrics"
	defaultGracePeriodSeconds      = 30
	defaultFleetGracePeriodSeconds = 30
	defaultIdentifyLimit           = 1000
	defaultRolloutTimeoutSeconds   = 600
	defaultMinReadySeconds         = 5
)

// or returns what p points at, or the default.
func or[T any](p *T, fallback T) T {
	if p != nil {
		return *p
	}
	return fallback
}

// FleetEffective resolves what a spec leaves out.
func FleetEffective(spec *v1alpha1.ArgusFleetSpec) v1alpha1.FleetEffective {
	service := or(spec.Service, v1alpha1.FleetService{})
	return v1alpha1.FleetEffective{
		HeartbeatIntervalSeconds: or(spec.HeartbeatIntervalSeconds, fleetapi.DefaultHeartbeatIntervalSeconds),
		TTLFactor:                or(spec.TTLFactor, fleetapi.DefaultTTLFactor),
		MetricPrefix:             or(spec.MetricPrefix, fleetapi.DefaultMetricPrefix),
		MaxClusters:              or(spec.MaxClusters, defaultMaxClusters),
		Port:                     or(service.Port, fleetapi.DefaultFleetPort),
	}
}

// FleetImage is the image that a control plane runs.
func FleetImage(fleet *v1alpha1.ArgusFleet, options Options) string {
	return or(fleet.Spec.Image, options.FleetImage)
}

// BotEffective resolves what a spec leaves out. fleet is the control plane that
// the bot joins, or nil.
func BotEffective(bot *v1alpha1.ArgusBot, fleet *FleetTarget) v1alpha1.BotEffective {
	metrics := or(bot.Spec.Metrics, v1alpha1.BotMetrics{})
	effective := v1alpha1.BotEffective{
		IdentityPrefix: or(bot.Spec.IdentityPrefix, bot.Name),
		MetricPrefix:   fleetapi.DefaultMetricPrefix,
		MetricsPort:    or(metrics.Port, fleetapi.DefaultBotPort),
		MetricsPath:    or(metrics.Path, defaultMetricsPath),
	}
	if fleet != nil {
		effective.Region = or(bot.Spec.Fleet.Region, fleetapi.DefaultFleet)
		effective.MetricPrefix = fleet.MetricPrefix
	}
	return effective
}

// fleetResources fit some hundreds of clusters; larger fleets raise the limits.
func fleetResources() corev1.ResourceRequirements {
	return resources("50m", "64Mi", "1", "512Mi")
}

// botResources fit a small bot in Python or Node.
func botResources() corev1.ResourceRequirements {
	return resources("100m", "128Mi", "1", "512Mi")
}

// sidecarResources fit a small helper, such as a log shipper.
func sidecarResources() corev1.ResourceRequirements {
	return resources("10m", "32Mi", "500m", "256Mi")
}

func resources(cpu, memory, cpuLimit, memoryLimit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse(cpu),
			corev1.ResourceMemory:           resource.MustParse(memory),
			corev1.ResourceEphemeralStorage: resource.MustParse("64Mi"),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse(cpuLimit),
			corev1.ResourceMemory:           resource.MustParse(memoryLimit),
			corev1.ResourceEphemeralStorage: resource.MustParse("256Mi"),
		},
	}
}
