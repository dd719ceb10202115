package manifests

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// FleetAsRun is the fleet as its Deployment serves it now: with the certificate that
// the pod was given, or in the clear, and with the Secret that its tokens come from.
// Those are others than the spec's while a change waits for a Secret or is suspended,
// and whoever leads others to the control plane must lead them to what runs. running is
// nil before there is a Deployment; then the spec counts.
func FleetAsRun(fleet *v1alpha1.ArgusFleet, running *appsv1.Deployment) *v1alpha1.ArgusFleet {
	if running == nil {
		return fleet
	}
	pod := &running.Spec.Template.Spec
	served, tokenSecret := servedTLS(pod), mountedSecret(pod, fleetTokenVolume)
	sameTLS := equality.Semantic.DeepEqual(served, fleet.Spec.TLS)
	sameTokens := tokenSecret == "" || tokenSecret == FleetTokenSecret(fleet)
	if sameTLS && sameTokens {
		return fleet
	}
	asRun := fleet.DeepCopy()
	asRun.Spec.TLS = served
	if !sameTokens {
		asRun.Spec.Tokens = &v1alpha1.FleetTokens{ExistingSecretRef: &v1alpha1.LocalRef{Name: tokenSecret}}
	}
	if served == nil && !or(fleet.Spec.AllowInsecureExposure, false) && asRun.Spec.Service != nil {
		asRun.Spec.Service.Type = nil // TLS is what lets it leave the cluster
	}
	return asRun
}

// servedTLS is the certificate that a control plane's pod serves with, or nil.
func servedTLS(pod *corev1.PodSpec) *v1alpha1.FleetTLS {
	containers := named(pod.Containers, FleetContainer, containerName)
	serves := slices.ContainsFunc(containers, func(container corev1.Container) bool {
		return len(named(container.Env, fleetapi.EnvFleetTLSCertFile, envName)) > 0
	})
	secret := mountedSecret(pod, fleetTLSVolume)
	if !serves || secret == "" {
		return nil
	}
	return &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: secret}}
}

// RunningFleetImage is the image of a control plane that runs; "" before there is a Deployment.
func RunningFleetImage(running *appsv1.Deployment) string {
	if running == nil {
		return ""
	}
	for _, container := range named(running.Spec.Template.Spec.Containers, FleetContainer, containerName) {
		return container.Image
	}
	return ""
}

func mountedSecret(pod *corev1.PodSpec, volume string) string {
	for _, found := range named(pod.Volumes, volume, volumeName) {
		if found.Secret != nil {
			return found.Secret.SecretName
		}
	}
	return ""
}
