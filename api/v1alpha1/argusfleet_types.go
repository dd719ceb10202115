package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArgusFleetSpec describes one fleet control plane.
// +kubebuilder:validation:XValidation:rule="!(has(self.ingress) || has(self.httpRoute)) || !has(self.service) || !has(self.service.type) || self.service.type == 'ClusterIP'",message="ingress and httpRoute need service.type ClusterIP: a second way in would bypass them"
// +kubebuilder:validation:XValidation:rule="!has(self.service) || !has(self.service.type) || self.service.type == 'ClusterIP' || has(self.tls) || (has(self.allowInsecureExposure) && self.allowInsecureExposure)",message="service.type NodePort or LoadBalancer without tls sends tokens in the clear: set tls, or allowInsecureExposure: true if that network is yours"
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || has(self.ingress.tlsSecretRef) || (has(self.allowInsecureExposure) && self.allowInsecureExposure)",message="an ingress without tlsSecretRef sends tokens in the clear: set ingress.tlsSecretRef, or allowInsecureExposure: true if something in front of it ends TLS"
// +kubebuilder:validation:XValidation:rule="!has(self.pod) || !has(self.pod.env) || !self.pod.env.exists(e, e.name.startsWith('ARGUS_') && !(e.name in ['ARGUS_FLEET_SCRAPE_ALLOW']))",message="pod.env must not name an ARGUS_ variable other than ARGUS_FLEET_SCRAPE_ALLOW: the operator sets them from the spec"
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

	// TTLFactor times the interval is the silence after which a cluster is down.
	// Default 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	TTLFactor *int32 `json:"ttlFactor,omitempty"`

	// MetricPrefix of the bots' metrics. Default discord. Bots inherit it through
	// fleet.ref.
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

	// CORSOrigins that may read the API from a browser, each scheme://host[:port].
	// A page that the control plane serves itself needs none.
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

	// AuditLog: Enabled (the default) writes one line for each change of
	// membership.
	// +optional
	AuditLog *State `json:"auditLog,omitempty"`

	// Limits of requests.
	// +optional
	Limits *FleetLimits `json:"limits,omitempty"`

	// Tokens of the control plane. Absent: generated once and kept for ever.
	// +optional
	Tokens *FleetTokens `json:"tokens,omitempty"`

	// Prometheus from which the control plane takes values, beside those that
	// members push.
	// +optional
	Prometheus *FleetPrometheus `json:"prometheus,omitempty"`

	// Analytics answers questions about single guilds from ClickHouse.
	// +optional
	Analytics *FleetAnalytics `json:"analytics,omitempty"`

	// TLS makes the control plane serve HTTPS itself. Bots of its ArgusFleet and
	// the operator then verify it as <name>-fleet.<namespace>.svc.
	// +optional
	TLS *FleetTLS `json:"tls,omitempty"`

	// Storage of the control plane's state. Changing anything but the size of an
	// existing claim is refused, because it would lose the numbers of the
	// clusters.
	// +optional
	Storage *FleetStorage `json:"storage,omitempty"`

	// Service in front of the control plane.
	// +optional
	Service *FleetService `json:"service,omitempty"`

	// Ingress in front of the Service. Set trustedProxies too, or every visitor
	// has the ingress controller's address.
	// +optional
	Ingress *FleetIngress `json:"ingress,omitempty"`

	// HTTPRoute of the Gateway API in front of the Service, where the cluster has
	// that kind.
	// +optional
	HTTPRoute *FleetHTTPRoute `json:"httpRoute,omitempty"`

	// AllowInsecureExposure permits a LoadBalancer or NodePort without tls, and an
	// ingress without TLS: tokens then cross that network in the clear.
	// +optional
	AllowInsecureExposure *bool `json:"allowInsecureExposure,omitempty"`

	// NetworkPolicy of the control plane's pod.
	// +optional
	NetworkPolicy *NetworkPolicy `json:"networkPolicy,omitempty"`

	// ServiceMonitor has a Prometheus scrape the control plane, where the cluster
	// has that kind.
	// +optional
	ServiceMonitor *MonitorObject `json:"serviceMonitor,omitempty"`

	// PrometheusRule has a Prometheus watch the control plane, where the cluster
	// has that kind.
	// +optional
	PrometheusRule *MonitorObject `json:"prometheusRule,omitempty"`

	// OnDelete says what becomes of the clusters of an ArgusBot that is deleted:
	// Keep (the default) leaves them in the control plane, where they are down;
	// Retire takes them out of every view. Their numbers are kept either way.
	// +optional
	OnDelete *OnDelete `json:"onDelete,omitempty"`

	// Suspend rests the operator's work on this control plane. None is the
	// default. Rollouts heals what was changed by hand and reports, and starts no
	// change of what runs, nor a rotation. All leaves everything as it is; only
	// deletion acts.
	// +optional
	Suspend *SuspendMode `json:"suspend,omitempty"`

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
	// RegisterBurst is how many registrations an address may make in a minute.
	// Default 600.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	RegisterBurst *int32 `json:"registerBurst,omitempty"`
	// HeartbeatBurst is how many heartbeats an identity may send in a minute.
	// Default 60.
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

// RetentionPolicy says what becomes of the state when the ArgusFleet is
// deleted.
// +kubebuilder:validation:Enum=Retain;Delete
type RetentionPolicy string

// Retain keeps the claim and the server Secret, which a new ArgusFleet of the
// same name adopts with all numbers and leases; Delete removes both.
const (
	Retain RetentionPolicy = "Retain"
	Delete RetentionPolicy = "Delete"
)

// OnDelete says what becomes of a deleted bot's clusters.
// +kubebuilder:validation:Enum=Keep;Retire
type OnDelete string

// Keep leaves a deleted bot's clusters in the control plane; Retire retires
// them.
const (
	OnDeleteKeep   OnDelete = "Keep"
	OnDeleteRetire OnDelete = "Retire"
)

// FleetTokens says where the tokens of a control plane come from.
// +kubebuilder:validation:XValidation:rule="!(has(self.existingSecretRef) && has(self.rotationPeriodHours))",message="tokens.rotationPeriodHours is for generated tokens: leave out existingSecretRef, or rotate the values in your own Secret by writing new,old"
type FleetTokens struct {
	// ExistingSecretRef names your own Secret with the keys ingest-token,
	// viewer-token, admin-token and secret-pepper. Each value but the pepper may
	// be a list "new,old".
	// +optional
	ExistingSecretRef *LocalRef `json:"existingSecretRef,omitempty"`
	// RotationPeriodHours after which generated tokens are replaced, without a
	// heartbeat refused. Absent: only when the annotation argus.dev/rotate-tokens
	// changes.
	// +optional
	// +kubebuilder:validation:Minimum=24
	// +kubebuilder:validation:Maximum=87600
	RotationPeriodHours *int32 `json:"rotationPeriodHours,omitempty"`
}

// FleetPrometheus is a Prometheus that scrapes the bots.
type FleetPrometheus struct {
	// URL of its HTTP API.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.matches('[@?#]')",message="url must be http://host[:port][/path] or https://host[:port][/path], without user, query or fragment"
	URL string `json:"url"`
	// TokenSecretRef names the bearer token to present.
	// +optional
	TokenSecretRef *SecretKeyRef `json:"tokenSecretRef,omitempty"`
	// CARef names the authority that signed its certificate. Absent: the public
	// ones.
	// +optional
	CARef *CARef `json:"caRef,omitempty"`
}

// FleetAnalytics is where questions about single guilds are answered.
type FleetAnalytics struct {
	// ClickHouseDSNSecretRef names the DSN, such as
	// https://user:password@clickhouse:8443/argus. The NetworkPolicy lets out to
	// the ports 8123 and 8443; name another one in networkPolicy.extraEgressTo.
	ClickHouseDSNSecretRef SecretKeyRef `json:"clickhouseDSNSecretRef"`
}

// FleetStorage describes the claim for the state file.
// +kubebuilder:validation:XValidation:rule="has(self.existingClaimRef) == has(oldSelf.existingClaimRef) && (!has(self.existingClaimRef) || self.existingClaimRef.name == oldSelf.existingClaimRef.name)",message="existingClaimRef cannot change: another claim holds another state"
// +kubebuilder:validation:XValidation:rule="!has(self.existingClaimRef) || !(has(self.size) || has(self.storageClassName) || has(self.accessMode))",message="existingClaimRef stands alone: size, storageClassName and accessMode are those of the claim that exists"
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName cannot change: the claim exists, and a new one would start with no state"
// +kubebuilder:validation:XValidation:rule="has(self.accessMode) == has(oldSelf.accessMode) && (!has(self.accessMode) || self.accessMode == oldSelf.accessMode)",message="accessMode cannot change: the claim exists, and a new one would start with no state"
type FleetStorage struct {
	// Size of the claim. Default 1Gi. It may grow where the storage class allows
	// it, never shrink.
	// +optional
	// +kubebuilder:validation:XValidation:rule="string(self).size() <= 24 && !string(self).matches('[eE][+-]?[0-9]{3}') && quantity(string(self)).isGreaterThan(quantity('15Mi'))",message="size must be at least 16Mi"
	Size *resource.Quantity `json:"size,omitempty"`
	// StorageClassName of the claim. Absent: the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
	// AccessMode of the claim. Default ReadWriteOncePod, which makes Kubernetes
	// itself refuse a second control plane on the volume; ReadWriteOnce for
	// drivers that cannot do that (the state file's lock still refuses the
	// second).
	// +optional
	AccessMode *AccessMode `json:"accessMode,omitempty"`
	// RetentionPolicy: Retain (the default) or Delete. An existing claim is never
	// deleted.
	// +optional
	RetentionPolicy *RetentionPolicy `json:"retentionPolicy,omitempty"`
	// ExistingClaimRef names a claim of your own to keep the state in, instead of
	// one that the operator makes.
	// +optional
	ExistingClaimRef *LocalRef `json:"existingClaimRef,omitempty"`
}

// ArgusFleet is one fleet control plane: bots register and heartbeat to it,
// and it shows one view from all fleets down to a single gateway shard.
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
// +kubebuilder:validation:XValidation:rule="has(self.spec.storage) == has(oldSelf.spec.storage) || !(has(self.spec.storage) ? has(self.spec.storage.existingClaimRef) : has(oldSelf.spec.storage.existingClaimRef))",message="spec.storage.existingClaimRef cannot change: another claim holds another state"
// +kubebuilder:validation:XValidation:rule="!(has(oldSelf.spec.storage) && has(oldSelf.spec.storage.size)) || (has(self.spec.storage) && has(self.spec.storage.size) && string(self.spec.storage.size).size() <= 24 && !string(self.spec.storage.size).matches('[eE][+-]?[0-9]{3}') && !quantity(string(self.spec.storage.size)).isLessThan(quantity(string(oldSelf.spec.storage.size))))",message="spec.storage.size can only grow: a claim cannot shrink"
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
