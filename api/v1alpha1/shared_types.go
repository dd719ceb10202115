package v1alpha1

import (
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

// CARef names a certificate authority's certificates in PEM, in the object's
// own namespace.
type CARef struct {
	// Kind of the object that holds them. Default Secret.
	// +optional
	Kind *CAKind `json:"kind,omitempty"`
	// Name of the Secret or ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && self != '..'",message="key may hold letters, digits, '-', '_' and '.' only, as a key of a Secret or ConfigMap does"
	Key string `json:"key"`
}

// CAKind is what may hold a certificate authority's certificates.
// +kubebuilder:validation:Enum=Secret;ConfigMap
type CAKind string

// The kinds that may hold certificates.
const (
	CAInSecret    CAKind = "Secret"
	CAInConfigMap CAKind = "ConfigMap"
)

// SuspendMode says how much of the operator's work rests.
// +kubebuilder:validation:Enum=None;Rollouts;All
type SuspendMode string

// None suspends nothing. Rollouts heals what drifted and reports, and starts
// no change of what runs. All leaves everything as it is; only deletion acts.
const (
	SuspendNone     SuspendMode = "None"
	SuspendRollouts SuspendMode = "Rollouts"
	SuspendAll      SuspendMode = "All"
)

// MonitorObject asks for an object of the Prometheus Operator. Its presence is
// the wish.
type MonitorObject struct {
	// Labels by which a Prometheus selects the object, such as release:
	// prometheus.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`
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

// The ways to deliver a secret. A file follows a rotated Secret; an
// environment variable is for code that reads no files and needs a restart.
const (
	DeliverFile Delivery = "File"
	DeliverEnv  Delivery = "Env"
)

// NetworkPolicy limits who may talk to the pods and to whom they may talk.
type NetworkPolicy struct {
	// State: Enabled (the default) makes a NetworkPolicy with ingress and egress
	// rules.
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
