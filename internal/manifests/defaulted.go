package manifests

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

// defaultTokenSeconds is how long the API server lets a projected token live.
const defaultTokenSeconds = 3600

// The API server fills in defaults within values that it treats as one whole
// (atomic lists and structs). Left out here, they would look like a difference for
// ever, so what users write is completed in the same way.

// complete fills in what the API server would within a pod's environments and volumes.
func complete(spec *corev1.PodSpec) {
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			containers[i].Env = completeEnv(containers[i].Env)
		}
	}
	for i := range spec.Volumes {
		volume := &spec.Volumes[i]
		if volume.DownwardAPI != nil {
			completeItems(volume.DownwardAPI.Items)
		}
		if volume.Projected != nil {
			completeProjections(volume.Projected.Sources)
		}
	}
}

// completeEnv fills in the references of environment variables.
func completeEnv(env []corev1.EnvVar) []corev1.EnvVar {
	completed := make([]corev1.EnvVar, 0, len(env))
	for i := range env {
		variable := env[i].DeepCopy()
		if from := variable.ValueFrom; from != nil {
			completeReferences(from.FieldRef, from.ResourceFieldRef)
		}
		completed = append(completed, *variable)
	}
	return completed
}

func completeProjections(sources []corev1.VolumeProjection) {
	for i := range sources {
		if token := sources[i].ServiceAccountToken; token != nil {
			fill(&token.ExpirationSeconds, defaultTokenSeconds)
		}
		if sources[i].DownwardAPI != nil {
			completeItems(sources[i].DownwardAPI.Items)
		}
	}
}

func completeItems(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		completeReferences(items[i].FieldRef, items[i].ResourceFieldRef)
	}
}

func completeReferences(field *corev1.ObjectFieldSelector, container *corev1.ResourceFieldSelector) {
	if field != nil && field.APIVersion == "" {
		field.APIVersion = "v1"
	}
	if container != nil && container.Divisor.IsZero() {
		container.Divisor = resource.MustParse("0")
	}
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
