package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// SecretKeyRef names one key of a Secret in the object's own namespace.
type SecretKeyRef struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && self != '..'",message="key may hold letters, digits, '-', '_' and '.' only, as a key of a Secret does"
	Key string `json:"key"`
}

// LocalRef names another object in the same namespace.
type LocalRef struct {
	// Name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// State switches a part on or off.
// +kubebuilder:validation:Enum=Enabled;Disabled
type State string

// The two values of a State.
const (
	Enabled  State = "Enabled"
	Disabled State = "Disabled"
)

// Delivery says how a secret reaches a container.
// +kubebuilder:validation:Enum=File;Env
type Delivery string

// The ways to deliver a secret. A file follows a rotated Secret; an environment
// variable is for code that reads no files and needs a restart.
const (
	DeliverFile Delivery = "File"
	DeliverEnv  Delivery = "Env"
)

// Pod tunes the pods that the operator makes. What hardens a pod (users, root
// filesystem, capabilities, seccomp) cannot be changed here.
type Pod struct {
	// Resources of the container. Absent: the operator's requests and limits. What
	// is given here replaces them per resource.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.claims)",message="resources.claims is not supported: dynamic resources would need resourceClaims in the pod"
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
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
}

// NetworkPolicy limits who may talk to the pods and to whom they may talk.
type NetworkPolicy struct {
	// State: Enabled (the default) makes a NetworkPolicy with ingress and egress rules.
	// +optional
	State *State `json:"state,omitempty"`
	// ExtraIngressFrom lists peers that may also reach the pods' port.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	ExtraIngressFrom []networkingv1.NetworkPolicyPeer `json:"extraIngressFrom,omitempty"`
	// ExtraEgressTo lists further rules for what the pods may reach, such as a
	// bot's own database.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	ExtraEgressTo []networkingv1.NetworkPolicyEgressRule `json:"extraEgressTo,omitempty"`
}

// FleetCount is one fleet (group, region) and how many of its clusters are up.
type FleetCount struct {
	// Name of the fleet.
	Name string `json:"name"`
	// Up clusters.
	Up int32 `json:"up"`
	// Total clusters known.
	Total int32 `json:"total"`
}
