package manifests

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// keyCA is where a kubernetes.io/tls Secret holds its authority.
const keyCA = "ca.crt"

// FleetSecretRef is a Secret's key that a control plane needs and that somebody else makes.
type FleetSecretRef struct {
	// Field of the spec that names the Secret, for messages.
	Field string
	Ref   v1alpha1.SecretKeyRef
}

// ConfigMapRef is a ConfigMap's key that a workload needs and that somebody else makes.
type ConfigMapRef struct {
	// Field of the spec that names the ConfigMap, for messages.
	Field string
	Ref   v1alpha1.CARef
}

// FleetSecrets lists every key of a Secret that the control plane's pod or its bots
// need and that the operator does not make. The pod waits for them.
func FleetSecrets(fleet *v1alpha1.ArgusFleet) []FleetSecretRef {
	var refs []FleetSecretRef
	add := func(field, name string, keys ...string) {
		for _, key := range keys {
			refs = append(refs, FleetSecretRef{Field: field, Ref: v1alpha1.SecretKeyRef{Name: name, Key: key}})
		}
	}
	spec := &fleet.Spec
	if existing := or(spec.Tokens, v1alpha1.FleetTokens{}).ExistingSecretRef; existing != nil {
		add("spec.tokens.existingSecretRef", existing.Name, tokens.ServerKeys()...)
	}
	if spec.TLS != nil {
		add("spec.tls.secretRef", spec.TLS.SecretRef.Name, corev1.TLSCertKey, corev1.TLSPrivateKeyKey, keyCA)
	}
	if prometheus := spec.Prometheus; prometheus != nil {
		if prometheus.TokenSecretRef != nil {
			add("spec.prometheus.tokenSecretRef", prometheus.TokenSecretRef.Name, prometheus.TokenSecretRef.Key)
		}
		if ca := prometheus.CARef; ca != nil && !inConfigMap(ca) {
			add("spec.prometheus.caRef", ca.Name, ca.Key)
		}
	}
	if spec.Analytics != nil {
		dsn := spec.Analytics.ClickHouseDSNSecretRef
		add("spec.analytics.clickhouseDSNSecretRef", dsn.Name, dsn.Key)
	}
	return refs
}

// FleetConfigMaps lists every key of a ConfigMap that the control plane's pod needs.
func FleetConfigMaps(fleet *v1alpha1.ArgusFleet) []ConfigMapRef {
	if fleet.Spec.Prometheus == nil {
		return nil
	}
	return configMapOf("spec.prometheus.caRef", fleet.Spec.Prometheus.CARef)
}

// BotConfigMaps lists every key of a ConfigMap that a bot's pods need. fleet is the
// control plane that the bot joins, or nil.
func BotConfigMaps(_ *v1alpha1.ArgusBot, fleet *FleetTarget) []ConfigMapRef {
	if fleet == nil {
		return nil
	}
	return configMapOf(fleet.field("caRef"), fleet.CA)
}

func configMapOf(field string, ca *v1alpha1.CARef) []ConfigMapRef {
	if ca == nil || !inConfigMap(ca) {
		return nil
	}
	return []ConfigMapRef{{Field: field, Ref: *ca}}
}

func inConfigMap(ca *v1alpha1.CARef) bool {
	return or(ca.Kind, v1alpha1.CAInSecret) == v1alpha1.CAInConfigMap
}
