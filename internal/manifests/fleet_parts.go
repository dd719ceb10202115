package manifests

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// fleetParts are what the optional parts of a control plane's spec need in its pod.
func fleetParts(fleet *v1alpha1.ArgusFleet) podParts {
	var parts podParts
	if tls := fleet.Spec.TLS; tls != nil {
		// As a directory, so that a renewed certificate arrives with its key.
		volume, mount := secretVolume(fleetTLSVolume, tls.SecretRef.Name, corev1.TLSCertKey, corev1.TLSPrivateKeyKey)
		parts.mount(volume, mount)
		parts.set(fleetapi.EnvFleetTLSCertFile, mount.MountPath+"/"+corev1.TLSCertKey)
		parts.set(fleetapi.EnvFleetTLSKeyFile, mount.MountPath+"/"+corev1.TLSPrivateKeyKey)
	}
	if prometheus := fleet.Spec.Prometheus; prometheus != nil {
		parts.set(fleetapi.EnvFleetPrometheusURL, prometheus.URL)
		if prometheus.TokenSecretRef != nil {
			parts.secret("prometheus", fleetapi.EnvFleetPrometheusToken, *prometheus.TokenSecretRef)
		}
		parts.authority("prometheus-ca", fleetapi.EnvFleetPrometheusCAFile, prometheus.CARef)
	}
	if analytics := fleet.Spec.Analytics; analytics != nil {
		parts.secret("clickhouse", fleetapi.EnvFleetClickHouseDSN, analytics.ClickHouseDSNSecretRef)
	}
	return parts
}
