package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Pod tunes the pods that the operator makes. What hardens a pod (users, root
// filesystem, capabilities, seccomp) cannot be changed here.
type Pod struct {
	// Resources of the container. Absent: the operator's requests and limits. What
	// is given here replaces them per resource.
	// +optional
	Resources *Resources `json:"resources,omitempty"`
	// NodeSelector picks nodes by label.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Affinity to nodes and pods.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// Tolerations of node taints.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// TopologySpreadConstraints spread a bot's clusters over nodes or zones.
	// +optional
	// +listType=map
	// +listMapKey=topologyKey
	// +listMapKey=whenUnsatisfiable
	// +kubebuilder:validation:MaxItems=16
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	// PriorityClassName of the pods.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName *string `json:"priorityClassName,omitempty"`
	// ImagePullSecrets to pull the image with.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	ImagePullSecrets []LocalRef `json:"imagePullSecrets,omitempty"`
	// Labels added to the pods. The operator's own labels win.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations added to the pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k.startsWith('container.apparmor.security.beta.kubernetes.io/') || k.contains('seccomp.security.alpha.kubernetes.io/'))",message="annotations must not change AppArmor or seccomp profiles: what hardens a pod is fixed"
	Annotations map[string]string `json:"annotations,omitempty"`
	// RuntimeClassName of the pods, such as gvisor.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName *string `json:"runtimeClassName,omitempty"`
	// HostUsers: false runs the pods in a user namespace of their own, where nodes
	// support it. Absent: the cluster's default.
	// +optional
	HostUsers *bool `json:"hostUsers,omitempty"`
	// ServiceAccount of the pods. Absent: one of their own, without any right and
	// without a token in the pod.
	// +optional
	ServiceAccount *PodServiceAccount `json:"serviceAccount,omitempty"`
	// Env adds variables to the main container. Those that the operator sets
	// itself are refused.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:XValidation:rule="self.all(e, !has(e.valueFrom) || !has(e.valueFrom.resourceFieldRef) || !has(e.valueFrom.resourceFieldRef.divisor) || e.valueFrom.resourceFieldRef.divisor == 1 || e.valueFrom.resourceFieldRef.divisor in ['0', '1', '1m', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'])",message="a divisor in pod.env must be one that Kubernetes knows: 1, 1m, 1k, 1Mi and the like"
	Env []corev1.EnvVar `json:"env,omitempty"`
	// EnvFrom adds variables from ConfigMaps and Secrets; the operator's own win.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`
	// Volumes added to the pods, each as in a pod's spec.volumes. An unknown field
	// is refused with its path.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Volumes []Fragment `json:"volumes,omitempty"`
	// VolumeMounts added to the main container.
	// +optional
	// +listType=map
	// +listMapKey=mountPath
	// +kubebuilder:validation:MaxItems=32
	VolumeMounts []corev1.VolumeMount `json:"volumeMounts,omitempty"`
	// InitContainers that run before the main container, each as in a pod's
	// spec.initContainers. They are hardened like the main one.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	InitContainers []Fragment `json:"initContainers,omitempty"`
	// Sidecars that run beside the main container, each as in a pod's
	// spec.containers. They are hardened like the main one.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Sidecars []Fragment `json:"sidecars,omitempty"`
	// Patch is the last resort: a strategic-merge patch of the pod template
	// ({metadata, spec}), applied after everything else. What hardens a pod still
	// cannot be changed.
	// +optional
	Patch *Fragment `json:"patch,omitempty"`
}

// Resources of a container.
type Resources struct {
	// Limits that the container may not pass.
	// +optional
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(k, [string(self[k])].all(q, q.size() <= 24 && !q.contains('e') && (!q.contains('E') || q.endsWith('E') || q.endsWith('Ei'))))",message="each of limits must be a quantity without an exponent, such as 500m or 2Gi"
	Limits corev1.ResourceList `json:"limits,omitempty"`
	// Requests that a node must have free.
	// +optional
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(k, [string(self[k])].all(q, q.size() <= 24 && !q.contains('e') && (!q.contains('E') || q.endsWith('E') || q.endsWith('Ei'))))",message="each of requests must be a quantity without an exponent, such as 500m or 2Gi"
	Requests corev1.ResourceList `json:"requests,omitempty"`
}

// PodServiceAccount is the identity of the pods towards the API server.
// +kubebuilder:validation:XValidation:rule="!has(self.create) || self.create || has(self.name)",message="serviceAccount.create: false needs serviceAccount.name: the ServiceAccount to use"
// +kubebuilder:validation:XValidation:rule="!has(self.annotations) || !has(self.create) || self.create",message="serviceAccount.annotations are for a ServiceAccount that the operator creates: leave them out, or leave out create: false"
type PodServiceAccount struct {
	// Create it. Default true; false uses one that exists.
	// +optional
	Create *bool `json:"create,omitempty"`
	// Name of it. Default: the name of the workload.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name *string `json:"name,omitempty"`
	// Annotations of a created one, such as a cloud's role.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
	// AutomountToken mounts its token into the pods. Default false.
	// +optional
	AutomountToken *bool `json:"automountToken,omitempty"`
}

// Fragment is a piece of a pod's own schema. The API server keeps it as it is,
// and the operator decodes it strictly: that keeps these CRDs small enough to
// be read.
// +kubebuilder:pruning:PreserveUnknownFields
// +kubebuilder:validation:Type=object
type Fragment struct {
	runtime.RawExtension `json:",inline"`
}
