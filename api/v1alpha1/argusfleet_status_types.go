package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArgusFleetStatus is what the operator sees of a control plane.
type ArgusFleetStatus struct {
	// ObservedGeneration of the spec that this status speaks of; -1 before the
	// first look.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready, StorageBound, Reachable, TokensRotated, Exposed where
	// something exposes it, and Reconciling or Stalled while they are true.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// URL of the control plane within the cluster.
	// +optional
	URL string `json:"url,omitempty"`
	// Version that the control plane reports of itself.
	// +optional
	Version string `json:"version,omitempty"`
	// Image that the Deployment runs.
	// +optional
	Image string `json:"image,omitempty"`
	// Effective values of what the spec left out.
	// +optional
	Effective *FleetEffective `json:"effective,omitempty"`
	// Clusters that the control plane knows.
	// +optional
	Clusters *FleetClusters `json:"clusters,omitempty"`
	// Display joins numbers for the printer columns.
	// +optional
	Display *FleetDisplay `json:"display,omitempty"`
	// Fleets (groups, regions), the largest 100.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Fleets []FleetCount `json:"fleets,omitempty"`
	// Tokens names the Secrets that hold the tokens, and the phase of their
	// rotation.
	// +optional
	Tokens *FleetTokensStatus `json:"tokens,omitempty"`
	// Storage tells of the claim.
	// +optional
	Storage *FleetStorageStatus `json:"storage,omitempty"`
	// LastHandled values of the annotations by which a person asks for something
	// once.
	// +optional
	LastHandled *FleetLastHandled `json:"lastHandled,omitempty"`
}

// FleetLastHandled remembers annotations that were acted upon.
type FleetLastHandled struct {
	// RotateTokens is the value of argus.dev/rotate-tokens that started the last
	// rotation.
	// +optional
	RotateTokens string `json:"rotateTokens,omitempty"`
	// DropOldToken is the value of argus.dev/drop-old-token that forced the end of
	// one.
	// +optional
	DropOldToken string `json:"dropOldToken,omitempty"`
}

// FleetEffective reports the defaults that are in force.
type FleetEffective struct {
	// HeartbeatIntervalSeconds between two beats of a member.
	HeartbeatIntervalSeconds int32 `json:"heartbeatIntervalSeconds"`
	// TTLFactor times the interval is the silence after which a cluster is down.
	TTLFactor int32 `json:"ttlFactor"`
	// MetricPrefix of the bots' metrics.
	MetricPrefix string `json:"metricPrefix"`
	// MaxClusters that may be known at once.
	MaxClusters int32 `json:"maxClusters"`
	// Port of the Service.
	Port int32 `json:"port"`
}

// FleetClusters counts clusters by health.
type FleetClusters struct {
	// Up clusters beat in time.
	Up int32 `json:"up"`
	// Down clusters have fallen silent.
	Down int32 `json:"down"`
	// Total of both.
	Total int32 `json:"total"`
}

// FleetDisplay holds text for the printer columns.
type FleetDisplay struct {
	// Clusters as "up/total".
	Clusters string `json:"clusters"`
}

// RotationPhase of the tokens.
// +kubebuilder:validation:Enum=Stable;Adding;Rolling;Dropping
type RotationPhase string

// Stable: one token each. Adding: the control plane is to accept a new one
// beside the old. Rolling: bots and people are handed the new one. Dropping:
// the control plane is to forget the old one.
const (
	PhaseStable   RotationPhase = "Stable"
	PhaseAdding   RotationPhase = "Adding"
	PhaseRolling  RotationPhase = "Rolling"
	PhaseDropping RotationPhase = "Dropping"
)

// FleetTokensStatus names the Secrets of a control plane.
type FleetTokensStatus struct {
	// ServerSecret is mounted in the control plane only.
	ServerSecret string `json:"serverSecret"`
	// MemberSecret holds the token that bots present, under the key token.
	MemberSecret string `json:"memberSecret"`
	// ViewerSecret holds the token for people and dashboards, under the key token.
	ViewerSecret string `json:"viewerSecret"`
	// Phase of the rotation.
	// +optional
	Phase RotationPhase `json:"phase,omitempty"`
	// MemberFingerprint of the token in the member Secret, as the control plane's
	// /api/config shows it. Bots with delivery Env restart when it changes.
	// +optional
	MemberFingerprint string `json:"memberFingerprint,omitempty"`
}

// FleetStorageStatus tells of the claim.
type FleetStorageStatus struct {
	// ClaimName of the claim that holds the state.
	ClaimName string `json:"claimName"`
	// Capacity of the bound volume.
	// +optional
	Capacity string `json:"capacity,omitempty"`
}
