package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArgusBotSpec describes one Discord bot.
// +kubebuilder:validation:XValidation:rule="has(self.identityPrefix) == has(oldSelf.identityPrefix) && (!has(self.identityPrefix) || self.identityPrefix == oldSelf.identityPrefix)",message="identityPrefix cannot change: the control plane knows the clusters by it; make another ArgusBot instead"
// +kubebuilder:validation:XValidation:rule="!has(self.pod) || !has(self.pod.env) || !self.pod.env.exists(e, (has(self.discord.tokenEnv) ? [self.discord.tokenEnv, self.discord.tokenEnv + '_FILE'] : ['DISCORD_TOKEN', 'DISCORD_TOKEN_FILE']).exists(n, n == e.name))",message="pod.env must not name the token's variable (discord.tokenEnv, or that with _FILE): the operator sets it"
// +kubebuilder:validation:XValidation:rule="!has(self.pod) || !has(self.pod.env) || !self.pod.env.exists(e, e.name in ['ARGUS_CLUSTER_ID', 'ARGUS_HOST', 'ARGUS_PORT', 'ARGUS_METRICS_PATH', 'ARGUS_NAMESPACE', 'ARGUS_METRICS_AUTH_TOKEN', 'ARGUS_METRICS_AUTH_TOKEN_FILE', 'ARGUS_DASHBOARD', 'ARGUS_DASHBOARD_AUTH_TOKEN', 'ARGUS_DASHBOARD_AUTH_TOKEN_FILE', 'ARGUS_FLEET_URL', 'ARGUS_FLEET_GROUP', 'ARGUS_FLEET_ID', 'ARGUS_FLEET_TOKEN', 'ARGUS_FLEET_TOKEN_FILE', 'ARGUS_FLEET_STATE_DIR', 'ARGUS_FLEET_SCRAPE_TARGET', 'ARGUS_FLEET_CA_FILE', 'ARGUS_OTLP_ENDPOINT', 'ARGUS_ENABLE_TRACING', 'ARGUS_CLICKHOUSE_DSN', 'ARGUS_CLICKHOUSE_DSN_FILE', 'CLUSTER_ID', 'SHARD_IDS', 'SHARD_COUNT', 'POD_IP'])",message="pod.env must not name a variable that the operator sets itself (identity, shards, fleet, ports, tokens)"
type ArgusBotSpec struct {
	// Image of the bot, with a tag other than latest or a sha256 digest.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^([^\\\\s@/]+/)*[^\\\\s@/:]+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$') && !self.endsWith(':latest') || self.matches('^[^\\\\s@]+@sha256:[a-f0-9]{64}$')",message="image needs a tag other than latest, or a digest (@sha256:...), so that a restart cannot change what runs"
	Image string `json:"image"`
	// Command replaces the image's entrypoint.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Command []string `json:"command,omitempty"`
	// Args of the entrypoint. Never put a token here: it shows in the process list.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Args []string `json:"args,omitempty"`
	// Fleet is the control plane that the bot beats to. Absent: none.
	// +optional
	Fleet *BotFleet `json:"fleet,omitempty"`
	// Discord is how the bot gets its token.
	Discord Discord `json:"discord"`
	// Sharding divides the gateway shards among cluster processes.
	Sharding Sharding `json:"sharding"`
	// IdentityPrefix of the clusters: cluster i is <identityPrefix>-<i> for ever.
	// Default metadata.name. Set <namespace>.<name> where several namespaces share
	// one control plane.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=104
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",message="identityPrefix may hold letters, digits, '-', '_' and '.', and starts and ends with a letter or digit"
	IdentityPrefix *string `json:"identityPrefix,omitempty"`
	// Metrics endpoint of the bot.
	// +optional
	Metrics *BotMetrics `json:"metrics,omitempty"`
	// Dashboard of the bot. Absent: switched off.
	// +optional
	Dashboard *BotDashboard `json:"dashboard,omitempty"`
	// Analytics hands the bot a ClickHouse to write events of single guilds to.
	// +optional
	Analytics *BotAnalytics `json:"analytics,omitempty"`
	// OTLP has the bot send its telemetry to a collector.
	// +optional
	OTLP *BotOTLP `json:"otlp,omitempty"`
	// State gives each cluster a small volume that outlives its pods, for the identity and
	// lease of its Argus library (ARGUS_FLEET_STATE_DIR). Absent: a directory that goes
	// with the pod, which is enough where the fleet does not require leases.
	// +optional
	State *BotState `json:"state,omitempty"`
	// Rollout says how a change reaches the clusters.
	// +optional
	Rollout *Rollout `json:"rollout,omitempty"`
	// Hibernate stops all pods and keeps identities and numbers. Default false.
	// +optional
	Hibernate *bool `json:"hibernate,omitempty"`
	// TerminationGracePeriodSeconds that the bot gets to close its sessions. Default 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
	// Probes of the bot's container.
	// +optional
	Probes *BotProbes `json:"probes,omitempty"`
	// PodMonitor has a Prometheus scrape the clusters, where the cluster has that kind.
	// +optional
	PodMonitor *MonitorObject `json:"podMonitor,omitempty"`
	// PrometheusRule has a Prometheus watch the clusters, where the cluster has that kind.
	// Its alerts are about the series of podMonitor.
	// +optional
	PrometheusRule *MonitorObject `json:"prometheusRule,omitempty"`
	// NetworkPolicy of the bot's pods.
	// +optional
	NetworkPolicy *BotNetworkPolicy `json:"networkPolicy,omitempty"`
	// Suspend rests the operator's work on this bot: None (the default), Rollouts or All.
	// +optional
	Suspend *SuspendMode `json:"suspend,omitempty"`
	// Pod tunes the bot's pods.
	// +optional
	Pod *Pod `json:"pod,omitempty"`
}

// BotFleet names the control plane of a bot.
// +kubebuilder:validation:XValidation:rule="has(self.ref) != has(self.external)",message="fleet needs exactly one of ref (an ArgusFleet in this namespace) and external (a control plane elsewhere)"
type BotFleet struct {
	// Ref names an ArgusFleet in this namespace.
	// +optional
	Ref *LocalRef `json:"ref,omitempty"`
	// External is a control plane that this operator does not run.
	// +optional
	External *ExternalFleet `json:"external,omitempty"`
	// Region is the fleet (group) that the clusters register under. Default "default".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^\\\\p{Cc}]+$')",message="region must not hold control characters"
	Region *string `json:"region,omitempty"`
	// Delivery of the fleet token: File (the default) sets ARGUS_FLEET_TOKEN_FILE; Env sets
	// ARGUS_FLEET_TOKEN from the Secret, for members that read no files (argus-dpy 0.4.2 and older).
	// +optional
	Delivery *Delivery `json:"delivery,omitempty"`
}

// ExternalFleet is a control plane elsewhere.
type ExternalFleet struct {
	// URL of the control plane.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.matches('[@?#]')",message="url must be http://host[:port] or https://host[:port], without user, query or fragment"
	URL string `json:"url"`
	// TokenSecretRef names the ingest token that the bot presents.
	TokenSecretRef SecretKeyRef `json:"tokenSecretRef"`
	// ViewerTokenSecretRef names the viewer token with which the operator reads how the
	// clusters are. Absent: the operator does not ask.
	// +optional
	ViewerTokenSecretRef *SecretKeyRef `json:"viewerTokenSecretRef,omitempty"`
	// CARef names the authority that signed the control plane's certificate. Absent:
	// the public ones that the image trusts.
	// +optional
	CARef *CARef `json:"caRef,omitempty"`
	// MetricPrefix that the control plane expects. Default discord.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_][a-zA-Z0-9_]*$')",message="metricPrefix must be a Prometheus metric name: letters, digits and underscores, not starting with a digit"
	MetricPrefix *string `json:"metricPrefix,omitempty"`
}

// Discord is how the bot gets its token.
type Discord struct {
	// TokenSecretRef names the bot's token.
	TokenSecretRef SecretKeyRef `json:"tokenSecretRef"`
	// TokenEnv is the variable that the bot's code reads. Default DISCORD_TOKEN.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z_][A-Za-z0-9_]*$') && !self.startsWith('ARGUS_') && !(self in ['CLUSTER_ID', 'SHARD_IDS', 'SHARD_COUNT', 'POD_IP'])",message="tokenEnv must be a variable's name that the operator does not set itself (ARGUS_..., CLUSTER_ID, SHARD_IDS, SHARD_COUNT, POD_IP)"
	TokenEnv *string `json:"tokenEnv,omitempty"`
	// Delivery of the token: File (the default) sets <tokenEnv>_FILE; Env sets <tokenEnv> from the Secret.
	// +optional
	Delivery *Delivery `json:"delivery,omitempty"`
	// IdentifyLimit is how many sessions a day Discord lets this token start (GET
	// /gateway/bot tells: session_start_limit.total). Past it Discord resets the
	// token. Default 1000. The smallest of all bots with the same token Secret counts.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	IdentifyLimit *int32 `json:"identifyLimit,omitempty"`
	// MaxConcurrency is how many sessions Discord lets this token start in each 5
	// seconds (session_start_limit.max_concurrency). Default 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	MaxConcurrency *int32 `json:"maxConcurrency,omitempty"`
	// CrashLoopProtection: Enabled (the default) stops clusters that start again and
	// again before the limit is spent.
	// +optional
	CrashLoopProtection *State `json:"crashLoopProtection,omitempty"`
}

// BotAnalytics names where events of single guilds are written.
type BotAnalytics struct {
	// ClickHouseDSNSecretRef names the DSN. The NetworkPolicy lets out to the ports 8123,
	// 8443, 9000 and 9440; name another one in networkPolicy.extraEgressTo.
	ClickHouseDSNSecretRef SecretKeyRef `json:"clickhouseDSNSecretRef"`
}

// BotOTLP names a collector of the OpenTelemetry protocol.
type BotOTLP struct {
	// Endpoint of the collector, such as http://collector.monitoring.svc:4318.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.matches('[@?#]')",message="endpoint must be http://host[:port] or https://host[:port], without user, query or fragment"
	Endpoint string `json:"endpoint"`
	// Tracing: Enabled sends traces too. Default Disabled.
	// +optional
	Tracing *State `json:"tracing,omitempty"`
}

// RolloutGate says when a changed cluster counts as working.
// +kubebuilder:validation:Enum=Fleet;Ready
type RolloutGate string

// GateFleet waits until the control plane has seen fresh values and every shard up;
// GateReady until the pod is ready.
const (
	GateFleet RolloutGate = "Fleet"
	GateReady RolloutGate = "Ready"
)

// BotState describes the claim of each cluster, <name>-bot-<i>-state. It goes when the
// ArgusBot, the cluster or this field does.
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName cannot change: the claims exist; take state away and add it again to have new ones"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.size) || (has(self.size) && string(self.size).size() <= 24 && !string(self.size).matches('[eE][+-]?[0-9]{3}') && !quantity(string(self.size)).isLessThan(quantity(string(oldSelf.size))))",message="state.size can only grow: a claim cannot shrink"
type BotState struct {
	// Size of each claim. Default 16Mi. It may grow where the storage class allows it, never shrink.
	// +optional
	// +kubebuilder:validation:XValidation:rule="string(self).size() <= 24 && !string(self).matches('[eE][+-]?[0-9]{3}') && quantity(string(self)).isGreaterThan(quantity('1023Ki'))",message="size must be at least 1Mi"
	Size *resource.Quantity `json:"size,omitempty"`
	// StorageClassName of the claims. Absent: the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
}

// OnSecretChange says what follows a change of a Secret that the spec names.
// +kubebuilder:validation:Enum=Ignore;Rollout
type OnSecretChange string

// SecretChangeIgnored leaves the pods alone: mounted files follow by themselves.
// SecretChangeRollout replaces them by an ordinary rollout.
const (
	SecretChangeIgnored OnSecretChange = "Ignore"
	SecretChangeRollout OnSecretChange = "Rollout"
)

// Rollout says how a change reaches the clusters. Clusters that do not work come
// first, then cluster 0 as the canary, then the others.
type Rollout struct {
	// MaxUnavailable clusters that a change may take down at a time. Default 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=256
	MaxUnavailable *int32 `json:"maxUnavailable,omitempty"`
	// Gate that a cluster must pass before the next is changed: Fleet (the default
	// with a control plane) or Ready.
	// +optional
	Gate *RolloutGate `json:"gate,omitempty"`
	// TimeoutSeconds that a cluster may take, beyond the five seconds for each round
	// of session starts that Discord asks for. Then the rollout stops. Default 600.
	// +optional
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=86400
	TimeoutSeconds *int32 `json:"timeoutSeconds,omitempty"`
	// MinReadySeconds that a pod must be ready before it counts. Default 5.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	MinReadySeconds *int32 `json:"minReadySeconds,omitempty"`
	// OnSecretChange: Ignore (the default) leaves the pods alone when a Secret that the spec
	// names changes; Rollout replaces them by an ordinary rollout, within a minute or so.
	// The member token of fleet.ref is not among them: the operator rotates it without a
	// restart where it is delivered as a file, and with one where it is a variable.
	// +optional
	OnSecretChange *OnSecretChange `json:"onSecretChange,omitempty"`
	// RestartedAt restarts every cluster by an ordinary rollout when it changes.
	// +optional
	RestartedAt *metav1.Time `json:"restartedAt,omitempty"`
	// TemplateRevision accepts a newer form of the pods that an upgrade of the operator
	// brought, as status.templateRevision.available says. Absent: the pods keep the form
	// that they were made with.
	// +optional
	// +kubebuilder:validation:Minimum=1
	TemplateRevision *int32 `json:"templateRevision,omitempty"`
}

// BotProbes tunes the probes. Their handlers are fixed: /healthz for startup and
// liveness, the port for readiness.
type BotProbes struct {
	// Startup is given up after failureThreshold periods. Default 150 of 2 seconds.
	// +optional
	Startup *Probe `json:"startup,omitempty"`
	// Liveness restarts the container. Default 4 failures, 15 seconds apart.
	// +optional
	Liveness *Probe `json:"liveness,omitempty"`
	// Readiness of the pod. Default 3 failures, 10 seconds apart.
	// +optional
	Readiness *Probe `json:"readiness,omitempty"`
}

// Probe holds the numbers of a probe.
type Probe struct {
	// PeriodSeconds between two probes.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	PeriodSeconds *int32 `json:"periodSeconds,omitempty"`
	// TimeoutSeconds of one. Default 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=300
	TimeoutSeconds *int32 `json:"timeoutSeconds,omitempty"`
	// FailureThreshold is how many failures in a row count.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	FailureThreshold *int32 `json:"failureThreshold,omitempty"`
}

// Sharding divides shards 0 to total-1 among clusters in consecutive ranges.
// +kubebuilder:validation:XValidation:rule="has(self.clusters) != has(self.perCluster)",message="sharding needs exactly one of clusters (how many) and perCluster (how many shards each)"
// +kubebuilder:validation:XValidation:rule="!has(self.clusters) || self.clusters <= self.total",message="sharding.clusters must not exceed sharding.total: each cluster needs a shard"
// +kubebuilder:validation:XValidation:rule="!has(self.perCluster) || self.perCluster.sum() == self.total",message="sharding.perCluster must add up to sharding.total"
type Sharding struct {
	// Total number of gateway shards.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16384
	Total int32 `json:"total"`
	// Clusters among which the shards are divided as evenly as can be.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=256
	Clusters *int32 `json:"clusters,omitempty"`
	// PerCluster lists how many shards each cluster gets.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=16384
	PerCluster []int32 `json:"perCluster,omitempty"`
}

// BotMetrics is the bot's metrics endpoint.
type BotMetrics struct {
	// Path of the metrics. Default /metrics.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[-A-Za-z0-9._~/]*$') && self != '/healthz'",message="metrics.path must start with '/', hold URL path characters only and not be /healthz"
	Path *string `json:"path,omitempty"`
	// Port of metrics, health and dashboard. Default 9191.
	// +optional
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
	// TokenSecretRef names the token that a scraper must present. Absent: open.
	// +optional
	TokenSecretRef *SecretKeyRef `json:"tokenSecretRef,omitempty"`
}

// BotDashboard is the bot's own dashboard.
// +kubebuilder:validation:XValidation:rule="(has(self.state) && self.state == 'Disabled') || has(self.tokenSecretRef) || (has(self.allowUnauthenticated) && self.allowUnauthenticated)",message="an enabled dashboard needs tokenSecretRef, or allowUnauthenticated: true if anyone who reaches the port may see it"
type BotDashboard struct {
	// State: Enabled (the default when dashboard is given) or Disabled.
	// +optional
	State *State `json:"state,omitempty"`
	// TokenSecretRef names the token that a viewer must present.
	// +optional
	TokenSecretRef *SecretKeyRef `json:"tokenSecretRef,omitempty"`
	// AllowUnauthenticated permits a dashboard without a token.
	// +optional
	AllowUnauthenticated *bool `json:"allowUnauthenticated,omitempty"`
}

// BotNetworkPolicy limits the bot's traffic.
type BotNetworkPolicy struct {
	NetworkPolicy `json:",inline"`
	// Voice: Enabled lets the bot send UDP anywhere, which voice needs. Default Disabled.
	// +optional
	Voice *State `json:"voice,omitempty"`
}

// ArgusBot is one Discord bot, run as one or more hardened cluster processes.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=abot,categories=argus
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Clusters",type=string,JSONPath=`.status.display.clusters`
// +kubebuilder:printcolumn:name="Shards",type=string,JSONPath=`.status.display.shards`
// +kubebuilder:printcolumn:name="Guilds",type=integer,JSONPath=`.status.guilds`
// +kubebuilder:printcolumn:name="Fleet",type=string,JSONPath=`.spec.fleet.ref.name`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.status.effective.region`,priority=1
// +kubebuilder:printcolumn:name="Image",type=string,JSONPath=`.status.image`,priority=1
// +kubebuilder:printcolumn:name="Identifies",type=string,JSONPath=`.status.display.identifies`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",message="metadata.name must be at most 40 characters: a lower-case letter first, then letters, digits and '-', not ending in '-', so that the names of its objects fit"
type ArgusBot struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	Spec ArgusBotSpec `json:"spec"`
	// Status is what the operator sees.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status ArgusBotStatus `json:"status,omitzero"`
}

// ArgusBotList is a list of ArgusBots.
// +kubebuilder:object:root=true
type ArgusBotList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ArgusBot `json:"items"`
}
