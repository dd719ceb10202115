package manifests

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const (
	// userID is the user and group of every process that we start, as in the images.
	userID = 10001
	// secretsDir holds a directory for each mounted Secret.
	secretsDir = "/var/run/secrets/argus.dev"
	// secretMode lets the process read its secrets through its group, and nobody else.
	secretMode = 0o440
	portName   = "http"
)

// harden is the one place that makes a pod safe: every pod of ours passes through
// it last, so nothing that was built before can weaken it. AppArmor is left to the
// runtime's own default, because nodes without AppArmor refuse an explicit one.
func harden(spec *corev1.PodSpec) {
	spec.AutomountServiceAccountToken = ptr.To(false)
	spec.EnableServiceLinks = ptr.To(false)
	spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot:        ptr.To(true),
		RunAsUser:           ptr.To[int64](userID),
		RunAsGroup:          ptr.To[int64](userID),
		FSGroup:             ptr.To[int64](userID),
		FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
		SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	for i := range spec.Containers {
		container := &spec.Containers[i]
		container.ImagePullPolicy = corev1.PullIfNotPresent
		container.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
		container.SecurityContext = &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr.To(false),
			ReadOnlyRootFilesystem:   ptr.To(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
	}
}

// tune lays the user's wishes over a pod template. Our labels win.
func tune(template *corev1.PodTemplateSpec, pod v1alpha1.Pod) {
	template.Labels = merge(pod.Labels, template.Labels)
	template.Annotations = maps.Clone(pod.Annotations)
	spec := &template.Spec
	spec.NodeSelector = pod.NodeSelector
	spec.Affinity = pod.Affinity
	spec.Tolerations = pod.Tolerations
	spec.TopologySpreadConstraints = pod.TopologySpreadConstraints
	spec.PriorityClassName = or(pod.PriorityClassName, "")
	for _, secret := range pod.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret.Name})
	}
	if pod.Resources != nil {
		container := &spec.Containers[0]
		container.Resources = overlayResources(container.Resources, *pod.Resources)
	}
}

// overlayResources lays what the user wants over the defaults, per resource. Where
// the two would put a request above its limit, which the API server refuses, the
// default of the two yields.
func overlayResources(defaults, wanted corev1.ResourceRequirements) corev1.ResourceRequirements {
	requests, limits := maps.Clone(defaults.Requests), maps.Clone(defaults.Limits)
	maps.Copy(requests, wanted.Requests)
	maps.Copy(limits, wanted.Limits)
	for name, limit := range limits {
		request, ok := requests[name]
		if !ok || request.Cmp(limit) <= 0 {
			continue
		}
		if _, fixed := wanted.Limits[name]; fixed {
			requests[name] = limit
		} else {
			limits[name] = request
		}
	}
	return corev1.ResourceRequirements{Requests: requests, Limits: limits}
}

// secretVolume mounts some keys of a Secret as a directory of files, never by
// subPath, so that a rotated Secret arrives in a running pod.
func secretVolume(name, secret string, keys ...string) (corev1.Volume, corev1.VolumeMount) {
	source := &corev1.SecretVolumeSource{SecretName: secret, DefaultMode: ptr.To[int32](secretMode)}
	for _, key := range keys {
		source.Items = append(source.Items, corev1.KeyToPath{Key: key, Path: key})
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: source}},
		corev1.VolumeMount{Name: name, MountPath: secretDir(name), ReadOnly: true}
}

func secretDir(volume string) string { return secretsDir + "/" + volume }

func scratchVolume(name, path, size string) (corev1.Volume, corev1.VolumeMount) {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr.To(resource.MustParse(size))},
		}},
		corev1.VolumeMount{Name: name, MountPath: path}
}

func httpProbe(path string, periodSeconds, failureThreshold int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString(portName), Scheme: corev1.URISchemeHTTP,
		}},
		TimeoutSeconds: 3, PeriodSeconds: periodSeconds, FailureThreshold: failureThreshold,
	}
}

func envValue(name, value string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} }
