package manifests

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

// The API server fills in defaults within values that it treats as one whole
// (atomic lists and structs). Left out here, they would look like a difference for
// ever, so what users write is completed in the same way.

// completeEnv fills in the references of environment variables.
func completeEnv(env []corev1.EnvVar) []corev1.EnvVar {
	completed := make([]corev1.EnvVar, 0, len(env))
	for i := range env {
		variable := env[i].DeepCopy()
		if from := variable.ValueFrom; from != nil {
			if from.FieldRef != nil && from.FieldRef.APIVersion == "" {
				from.FieldRef.APIVersion = "v1"
			}
			if from.ResourceFieldRef != nil && from.ResourceFieldRef.Divisor.IsZero() {
				from.ResourceFieldRef.Divisor = resource.MustParse("0")
			}
		}
		completed = append(completed, *variable)
	}
	return completed
}

// completeEgress fills in the protocol of ports.
func completeEgress(rules []networkingv1.NetworkPolicyEgressRule) []networkingv1.NetworkPolicyEgressRule {
	completed := make([]networkingv1.NetworkPolicyEgressRule, 0, len(rules))
	for i := range rules {
		rule := rules[i].DeepCopy()
		for j := range rule.Ports {
			if rule.Ports[j].Protocol == nil {
				rule.Ports[j].Protocol = ptr.To(corev1.ProtocolTCP)
			}
		}
		completed = append(completed, *rule)
	}
	return completed
}
