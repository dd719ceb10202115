package manifests

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// finishPod turns the template that a builder has made into the one that is applied:
// it lays what spec.pod asks for over it, hardens every container, and refuses what
// falls below the security floor. The error is a *PodError.
func finishPod(template *corev1.PodTemplateSpec, wanted *v1alpha1.Pod) error {
	pod := or(wanted, v1alpha1.Pod{})
	floor := newFloor(template, pod)
	tune(template, pod)
	from, err := extend(template, pod, floor.own)
	if err != nil {
		return err
	}
	harden(&template.Spec)
	complete(&template.Spec)
	if err := floor.check(template, from); err != nil {
		return err
	}
	if pod.Patch == nil {
		return nil
	}
	if err := patch(template, pod.Patch.Raw); err != nil {
		return err
	}
	harden(&template.Spec)
	complete(&template.Spec)
	return floor.check(template, inPatch())
}

// tune lays the user's plain wishes over a pod template. Our labels win.
func tune(template *corev1.PodTemplateSpec, pod v1alpha1.Pod) {
	template.Labels = merge(pod.Labels, template.Labels)
	template.Annotations = merge(pod.Annotations, template.Annotations)
	spec := &template.Spec
	spec.NodeSelector = pod.NodeSelector
	spec.Affinity = pod.Affinity
	spec.Tolerations = pod.Tolerations
	spec.TopologySpreadConstraints = pod.TopologySpreadConstraints
	spec.PriorityClassName = or(pod.PriorityClassName, "")
	spec.RuntimeClassName = pod.RuntimeClassName
	spec.HostUsers = pod.HostUsers
	account := wantedAccount(&pod)
	spec.ServiceAccountName = or(account.Name, spec.ServiceAccountName)
	spec.AutomountServiceAccountToken = ptr.To(or(account.AutomountToken, false))
	for _, secret := range pod.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret.Name})
	}
	container := &spec.Containers[0]
	container.EnvFrom = pod.EnvFrom // what env says wins over it
	container.Env = append(container.Env, pod.Env...)
	if pod.Resources != nil {
		container.Resources = overlayResources(container.Resources, *pod.Resources)
	}
}

// overlayResources lays what the user wants over the defaults, per resource. Where
// the two would put a request above its limit, which the API server refuses, the
// default of the two yields.
func overlayResources(defaults corev1.ResourceRequirements, wanted v1alpha1.Resources) corev1.ResourceRequirements {
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
