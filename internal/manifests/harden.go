package manifests

import (
	corev1 "k8s.io/api/core/v1"
)

// userID is the user and group of every process that we start, as in the images.
const userID = 10001

// harden is the one place that makes a pod safe: every pod of ours passes through it.
// It fills in what is not said and overwrites nothing, so that a wish for less is
// refused by the floor instead of being lost in silence. AppArmor is left to the
// runtime's own default, because nodes without AppArmor refuse an explicit one.
func harden(spec *corev1.PodSpec) {
	fill(&spec.AutomountServiceAccountToken, false)
	fill(&spec.EnableServiceLinks, false)
	fill(&spec.SecurityContext, corev1.PodSecurityContext{})
	security := spec.SecurityContext
	fill(&security.RunAsNonRoot, true)
	fill(&security.RunAsUser, userID)
	fill(&security.RunAsGroup, userID)
	fill(&security.FSGroup, userID)
	fill(&security.FSGroupChangePolicy, corev1.FSGroupChangeOnRootMismatch)
	fill(&security.SeccompProfile, corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault})
	for i := range spec.InitContainers {
		hardenContainer(&spec.InitContainers[i])
	}
	for i := range spec.Containers {
		hardenContainer(&spec.Containers[i])
	}
}

func hardenContainer(container *corev1.Container) {
	if container.ImagePullPolicy == "" {
		container.ImagePullPolicy = corev1.PullIfNotPresent
	}
	if container.TerminationMessagePolicy == "" {
		container.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	fill(&container.SecurityContext, corev1.SecurityContext{})
	security := container.SecurityContext
	fill(&security.AllowPrivilegeEscalation, false)
	fill(&security.ReadOnlyRootFilesystem, true)
	fill(&security.Capabilities, corev1.Capabilities{})
	if security.Capabilities.Drop == nil {
		security.Capabilities.Drop = []corev1.Capability{"ALL"}
	}
}

// fill points *p at value where it points at nothing.
func fill[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}
