package manifests

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/policy"
)

// checkRestricted holds a template against every check of the Pod Security Standard
// restricted, in its latest version.
func checkRestricted(template *corev1.PodTemplateSpec, from origins) error {
	for _, check := range policy.DefaultChecks() {
		allowed := check.Versions[len(check.Versions)-1].CheckPod
		result := allowed(&template.ObjectMeta, &template.Spec)
		if result.Allowed {
			continue
		}
		field, result := locate(template, from, check.ID, allowed)
		return belowFloor(field, result.ForbiddenReason+" ("+result.ForbiddenDetail+
			"), which the Pod Security Standard restricted forbids: leave it out")
	}
	return nil
}

// locate finds the field that fails a check, by asking the check about one part of
// the pod at a time, and what the check says of that part alone.
func locate(template *corev1.PodTemplateSpec, from origins, id policy.CheckID, check policy.CheckPodFn) (string, policy.CheckResult) {
	spec := &template.Spec
	parts := []part{{field: from.pod}}
	for i := range spec.InitContainers {
		parts = append(parts, part{
			field: from.container("initContainers", spec.InitContainers[i].Name), initContainers: spec.InitContainers[i : i+1],
		})
	}
	for i := range spec.Containers {
		parts = append(parts, part{field: from.container("containers", spec.Containers[i].Name), containers: spec.Containers[i : i+1]})
	}
	for i := range spec.Volumes {
		parts = append(parts, part{field: from.volume(spec.Volumes[i].Name), volumes: spec.Volumes[i : i+1]})
	}
	for _, part := range parts {
		if result := check(&metav1.ObjectMeta{}, part.of(spec)); !result.Allowed {
			return part.field + fieldOf(id, spec), result
		}
	}
	return from.annotations, check(&template.ObjectMeta, spec) // what else a check looks at
}

// part of a pod, which a check is asked about alone.
type part struct {
	field                      string
	initContainers, containers []corev1.Container
	volumes                    []corev1.Volume
}

func (p part) of(spec *corev1.PodSpec) *corev1.PodSpec {
	reduced := *spec
	reduced.InitContainers, reduced.Containers, reduced.Volumes = p.initContainers, p.containers, p.volumes
	return &reduced
}

// fieldOf is where below a pod, a container or a volume a check looks; "" for checks
// that look at several fields, which their own words then name.
func fieldOf(check policy.CheckID, spec *corev1.PodSpec) string {
	const security = ".securityContext."
	switch check {
	case "privileged", "allowPrivilegeEscalation", "runAsNonRoot", "runAsUser", "procMount", "seLinuxOptions", "sysctls":
		return security + string(check)
	case "procMount_restricted":
		return security + "procMount"
	case "capabilities_baseline", "capabilities_restricted":
		return security + "capabilities"
	case "seccompProfile_baseline", "seccompProfile_restricted":
		return security + "seccompProfile"
	case "appArmorProfile":
		return security + "appArmorProfile"
	case "windowsHostProcess":
		return security + "windowsOptions"
	case "hostPathVolumes":
		return ".hostPath"
	case "hostPorts":
		return ".ports"
	case "hostNamespaces":
		return hostNamespace(spec)
	}
	return ""
}

func hostNamespace(spec *corev1.PodSpec) string {
	switch {
	case spec.HostNetwork:
		return ".hostNetwork"
	case spec.HostPID:
		return ".hostPID"
	default:
		return ".hostIPC"
	}
}
