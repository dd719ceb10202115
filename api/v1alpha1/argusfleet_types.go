package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArgusFleetSpec describes one fleet control plane.
type ArgusFleetSpec struct {
	// Image of the control plane, with a tag other than latest or a sha256 digest.
	// Absent: the operator's own version, which follows the operator's upgrades.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^([^\\\\s@/]+/)*[^\\\\s@/:]+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$') && !self.endsWith(':latest') || self.matches('^[^\\\\s@]+@sha256:[a-f0-9]{64}$')",message="image needs a tag other than latest, or a digest (@sha256:...), so that a restart cannot change what runs"
	Image *string `json:"image,omitempty"`

	// HeartbeatIntervalSeconds is how often members beat. Default 15, which is
	// what argus-dpy members do whatever is set here.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=300
	HeartbeatIntervalSeconds *int32 `json:"heartbeatIntervalSeconds,omitempty"`

	// TTLFactor times the interval is the silence after which a cluster is down. Default 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	TTLFactor *int32 `json:"ttlFactor,omitempty"`

	// MetricPrefix of the bots' metrics. Default discord. Bots inherit it through fleet.ref.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_][a-zA-Z0-9_]*$')",message="metricPrefix must be a Prometheus metric name: letters, digits and underscores, not starting with a digit"
	MetricPrefix *string `json:"metricPrefix,omitempty"`

	// MaxClusters is how many clusters may be known at once. Default 5000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MaxClusters *int32 `json:"maxClusters,omitempty"`

	// RetentionDays after which a cluster that is down is forgotten; its number is
	// never given to another. Default 0: never.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=36500
	RetentionDays *int32 `json:"retentionDays,omitempty"`

	// CORSOrigins that may read the API from a browser, each scheme://host[:port]. A
	// page that the control plane serves itself needs none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$')",message="each of corsOrigins must be scheme://host[:port] without a path; '*' is not allowed"
	CORSOrigins []string `json:"corsOrigins,omitempty"`

	// TrustedProxies are the CIDRs of proxies whose X-Forwarded-For is believed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="each of trustedProxies must be a CIDR, such as 10.0.0.0/8"
	TrustedProxies []string `json:"trustedProxies,omitempty"`

	// Leases: Issued (the default) gives each member a lease and checks none;
	// Required refuses a heartbeat or registration without the right one.
	// +optional
	Leases *LeaseMode `json:"leases,omitempty"`

	// AuditLog: Enabled (the default) writes one line for each change of membership.
	// +optional
	AuditLog *State `json:"auditLog,omitempty"`

	// Limits of requests.
	// +optional
	Limits *FleetLimits `json:"limits,omitempty"`

	// Storage of the control plane's state. Changing anything but the size of an
	// existing claim is refused, because it would lose the numbers of the clusters.
	// +optional
	Storage *FleetStorage `json:"storage,omitempty"`

	// Service in front of the control plane.
	// +optional
	Service *FleetService `json:"service,omitempty"`

	// NetworkPolicy of the control plane's pod.
	// +optional
	NetworkPolicy *NetworkPolicy `json:"networkPolicy,omitempty"`

	// Pod tunes the control plane's pod.
	// +optional
	Pod *Pod `json:"pod,omitempty"`
}

// LeaseMode says whether members must prove that they hold an identity.
// +kubebuilder:validation:Enum=Issued;Required
type LeaseMode string

// The two lease modes.
const (
	LeasesIssued   LeaseMode = "Issued"
	LeasesRequired LeaseMode = "Required"
)

// FleetLimits bound what one caller may ask of the control plane.
type FleetLimits struct {
	// MaxBodyBytes of a request. Default 1048576.
	// +optional
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=33554432
	MaxBodyBytes *int32 `json:"maxBodyBytes,omitempty"`
	// RegisterBurst is how many registrations an address may make in a minute. Default 600.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	RegisterBurst *int32 `json:"registerBurst,omitempty"`
	// HeartbeatBurst is how many heartbeats an identity may send in a minute. Default 60.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	HeartbeatBurst *int32 `json:"heartbeatBurst,omitempty"`
	// ReadBurst is how many reads an address may make in a minute. Default 120.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	ReadBurst *int32 `json:"readBurst,omitempty"`
	// ViewCacheMillis is how long one built view serves all viewers. Default 1000.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=60000
	ViewCacheMillis *int32 `json:"viewCacheMillis,omitempty"`
}

// AccessMode of the claim.
// +kubebuilder:validation:Enum=ReadWriteOncePod;ReadWriteOnce
type AccessMode string

// RetentionPolicy says what becomes of the state when the ArgusFleet is deleted.
// +kubebuilder:validation:Enum=Retain;Delete
type RetentionPolicy string

// Retain keeps the claim and the server Secret, which a new ArgusFleet of the same
// name adopts with all numbers and leases; Delete removes both.
const (
	Retain RetentionPolicy = "Retain"
	Delete RetentionPolicy = "Delete"
)

// FleetStorage describes the claim for the state file.
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName cannot change: the claim exists, and a new one would start with no state"
// +kubebuilder:validation:XValidation:rule="has(self.accessMode) == has(oldSelf.accessMode) && (!has(self.accessMode) || self.accessMode == oldSelf.accessMode)",message="accessMode cannot change: the claim exists, and a new one would start with no state"
type FleetStorage struct {
	// Size of the claim. Default 1Gi. It may grow where the storage class allows it, never shrink.
	// +optional
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).isGreaterThan(quantity('15Mi'))",message="size must be at least 16Mi"
	Size *resource.Quantity `json:"size,omitempty"`
	// StorageClassName of the claim. Absent: the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
	// AccessMode of the claim. Default ReadWriteOncePod, which makes Kubernetes
	// itself refuse a second control plane on the volume; ReadWriteOnce for drivers
	// that cannot do that (the state file's lock still refuses the second).
	// +optional
	AccessMode *AccessMode `json:"accessMode,omitempty"`
	// RetentionPolicy: Retain (the default) or Delete.
	// +optional
	RetentionPolicy *RetentionPolicy `json:"retentionPolicy,omitempty"`
}

// FleetService describes the Service.
type FleetService struct {
	// Port of the Service. Default 9190.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
	// Annotations of the Service.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ArgusFleetStatus is what the operator sees of a control plane.
type ArgusFleetStatus struct {
	// ObservedGeneration of the spec that this status speaks of; -1 before the first look.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready, StorageBound, Reachable, and Reconciling or Stalled while they are true.
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
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Fleets []FleetCount `json:"fleets,omitempty"`
	// Tokens names the Secrets that hold the tokens.
	// +optional
	Tokens *FleetTokens `json:"tokens,omitempty"`
	// Storage tells of the claim.
	// +optional
	Storage *FleetStorageStatus `json:"storage,omitempty"`
}

// FleetEffective reports the defaults that are in force.
type FleetEffective struct {
	HeartbeatIntervalSeconds int32  `json:"heartbeatIntervalSeconds"`
	TTLFactor                int32  `json:"ttlFactor"`
	MetricPrefix             string `json:"metricPrefix"`
	MaxClusters              int32  `json:"maxClusters"`
	Port                     int32  `json:"port"`
}

// FleetClusters counts clusters by health.
type FleetClusters struct {
	Up    int32 `json:"up"`
	Down  int32 `json:"down"`
	Total int32 `json:"total"`
}

// FleetDisplay holds text for the printer columns.
type FleetDisplay struct {
	// Clusters as "up/total".
	Clusters string `json:"clusters"`
}

// FleetTokens names the Secrets of a control plane.
type FleetTokens struct {
	// ServerSecret is mounted in the control plane only.
	ServerSecret string `json:"serverSecret"`
	// MemberSecret holds the token that bots present, under the key token.
	MemberSecret string `json:"memberSecret"`
	// ViewerSecret holds the token for people and dashboards, under the key token.
	ViewerSecret string `json:"viewerSecret"`
}

// FleetStorageStatus tells of the claim.
type FleetStorageStatus struct {
	ClaimName string `json:"claimName"`
	// Capacity of the bound volume.
	// +optional
	Capacity string `json:"capacity,omitempty"`
}

// ArgusFleet is one fleet control plane: bots register and heartbeat to it, and it
// shows one view from all fleets down to a single gateway shard.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=afleet,categories=argus
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Clusters",type=string,JSONPath=`.status.display.clusters`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Image",type=string,JSONPath=`.status.image`,priority=1
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",message="metadata.name must be at most 40 characters: a lower-case letter first, then letters, digits and '-', not ending in '-', so that the names of its objects fit"
// +kubebuilder:validation:XValidation:rule="has(self.spec.storage) == has(oldSelf.spec.storage) || !(has(self.spec.storage) ? (has(self.spec.storage.storageClassName) || has(self.spec.storage.accessMode)) : (has(oldSelf.spec.storage.storageClassName) || has(oldSelf.spec.storage.accessMode)))",message="spec.storage: storageClassName and accessMode cannot change: the claim exists, and a new one would start with no state"
// +kubebuilder:validation:XValidation:rule="!(has(oldSelf.spec.storage) && has(oldSelf.spec.storage.size)) || (has(self.spec.storage) && has(self.spec.storage.size) && !quantity(string(self.spec.storage.size)).isLessThan(quantity(string(oldSelf.spec.storage.size))))",message="spec.storage.size can only grow: a claim cannot shrink"
type ArgusFleet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted. An empty one is a complete control plane.
	// +optional
	// +kubebuilder:default={}
	Spec ArgusFleetSpec `json:"spec,omitzero"`
	// Status is what the operator sees.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status ArgusFleetStatus `json:"status,omitzero"`
}

// ArgusFleetList is a list of ArgusFleets.
// +kubebuilder:object:root=true
type ArgusFleetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ArgusFleet `json:"items"`
}
