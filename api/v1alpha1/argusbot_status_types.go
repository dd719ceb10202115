package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ArgusBotStatus is what the operator sees of a bot.
type ArgusBotStatus struct {
	// ObservedGeneration of the spec that this status speaks of; -1 before the first look.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready, RolloutComplete, FleetJoined, IdentifyBudget, and Reconciling or
	// Stalled while they are true.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// FleetURL is the control plane that the clusters beat to.
	// +optional
	FleetURL string `json:"fleetURL,omitempty"`
	// Image that every cluster runs or is to run.
	// +optional
	Image string `json:"image,omitempty"`
	// Effective values of what the spec left out.
	// +optional
	Effective *BotEffective `json:"effective,omitempty"`
	// Clusters by state.
	// +optional
	Clusters *BotClusters `json:"clusters,omitempty"`
	// Shards by state, as the control plane sees them.
	// +optional
	Shards *BotShards `json:"shards,omitempty"`
	// Guilds over all clusters that are up, as the control plane sees them.
	// +optional
	Guilds *int64 `json:"guilds,omitempty"`
	// Display joins numbers for the printer columns.
	// +optional
	Display *BotDisplay `json:"display,omitempty"`
	// ClusterStatuses tells of each cluster.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	ClusterStatuses []BotClusterStatus `json:"clusterStatuses,omitempty"`
	// UpdateRevision names what the spec asks of the pods.
	// +optional
	UpdateRevision string `json:"updateRevision,omitempty"`
	// CurrentRevision is the update revision of the last rollout that came to its end.
	// +optional
	CurrentRevision string `json:"currentRevision,omitempty"`
	// TemplateRevision tells of the form of the pods.
	// +optional
	TemplateRevision *BotTemplateRevision `json:"templateRevision,omitempty"`
	// Identify tells of the token's session starts.
	// +optional
	Identify *BotIdentify `json:"identify,omitempty"`
	// LastHandled values of the annotations by which a person asks for something once.
	// +optional
	LastHandled *BotLastHandled `json:"lastHandled,omitempty"`
}

// BotTemplateRevision tells of the form of the pods, which an upgrade of the
// operator changes only when spec.rollout.templateRevision accepts it.
type BotTemplateRevision struct {
	// Current form of the pods.
	Current int32 `json:"current"`
	// Available form, if there is a newer one to accept.
	// +optional
	Available int32 `json:"available,omitempty"`
}

// BotIdentify tells of the session starts of the bot's token, over all bots that
// share it in this namespace.
type BotIdentify struct {
	// Limit of session starts in 24 hours.
	Limit int32 `json:"limit"`
	// Used24h is how many the operator made or saw in the last 24 hours.
	Used24h int32 `json:"used24h"`
	// NextFree is when the oldest of them no longer count.
	// +optional
	NextFree *metav1.Time `json:"nextFree,omitempty"`
}

// BotLastHandled remembers annotations that were acted upon.
type BotLastHandled struct {
	// ResetCrashLoop is the value of argus.dev/reset-crash-loop that let stopped clusters start again.
	// +optional
	ResetCrashLoop string `json:"resetCrashLoop,omitempty"`
}

// BotEffective reports the defaults that are in force.
type BotEffective struct {
	// IdentityPrefix of the clusters.
	IdentityPrefix string `json:"identityPrefix"`
	// Region is empty without a control plane.
	// +optional
	Region string `json:"region,omitempty"`
	// MetricPrefix that the control plane expects.
	MetricPrefix string `json:"metricPrefix"`
	// MetricsPort on which a cluster serves metrics, health and dashboard.
	MetricsPort int32 `json:"metricsPort"`
	// MetricsPath of the metrics.
	MetricsPath string `json:"metricsPath"`
}

// BotClusters counts clusters.
type BotClusters struct {
	// Desired by the spec.
	Desired int32 `json:"desired"`
	// Ready: the pod runs and passes its probes.
	Ready int32 `json:"ready"`
	// Updated: the pod is of the newest template.
	Updated int32 `json:"updated"`
	// Up in the control plane's eyes.
	Up int32 `json:"up"`
}

// BotShards counts shards.
type BotShards struct {
	// Desired by the spec.
	Desired int32 `json:"desired"`
	// Up in the control plane's eyes.
	Up int32 `json:"up"`
}

// BotDisplay holds text for the printer columns.
type BotDisplay struct {
	// Clusters as "ready/desired".
	Clusters string `json:"clusters"`
	// Shards as "up/desired"; absent where no control plane can be asked.
	// +optional
	Shards string `json:"shards,omitempty"`
	// Identifies as "used/limit" of the last 24 hours.
	// +optional
	Identifies string `json:"identifies,omitempty"`
}

// BotClusterStatus tells of one cluster.
type BotClusterStatus struct {
	// Index of the cluster, from 0.
	Index int32 `json:"index"`
	// ID is the identity: <identityPrefix>-<index>.
	ID string `json:"id"`
	// Number that the control plane gave it; 0 while it is not known.
	// +optional
	Number int32 `json:"number,omitempty"`
	// Shards as "0-3", or "4" for a single one.
	Shards string `json:"shards"`
	// Ready: the pod runs and passes its probes.
	Ready bool `json:"ready"`
	// Up in the control plane's eyes; absent where it cannot be asked.
	// +optional
	Up *bool `json:"up,omitempty"`
	// Revision of the pods that its Deployment asks for.
	// +optional
	Revision string `json:"revision,omitempty"`
	// Reason why the cluster is not ready, in one word.
	// +optional
	Reason string `json:"reason,omitempty"`
}
