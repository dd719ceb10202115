package fleetapi

import "time"

// RegisterRequest is the body of POST /fleet/register.
type RegisterRequest struct {
	// Identity names the cluster for ever; required.
	Identity string `json:"identity"`
	// Fleet is the group the cluster is listed under; empty means DefaultFleet.
	Fleet string `json:"fleet,omitempty"`
	// Version is the member library's version, shown as it is.
	Version string `json:"version,omitempty"`
	// ScrapeTarget is a host:port for Prometheus; empty means none, and is sent
	// so that a former one does not stay.
	ScrapeTarget string `json:"scrape_target"`
	// Lease is the secret of the last accepted registration, if the member has one.
	Lease string `json:"lease,omitempty"`
}

// RegisterResponse is the reply to a registration. The number and the lease are
// durable before it is sent. IntervalSeconds and TTLSeconds are unknown to
// argus-dpy members, which ignore them.
type RegisterResponse struct {
	Number          int    `json:"number"`
	Lease           string `json:"lease"`
	IntervalSeconds int    `json:"interval_seconds"`
	TTLSeconds      int    `json:"ttl_seconds"`
}

// LeaveRequest is the body of POST /fleet/leave. The lease must be the current one.
type LeaveRequest struct {
	Identity string `json:"identity"`
	Lease    string `json:"lease"`
}

// HeartbeatRequest is the body of POST /fleet/heartbeat as a member writes it.
// The control plane reads it with a decoder of its own, because Python members
// send NaN and Infinity, which encoding/json refuses.
type HeartbeatRequest struct {
	Identity string    `json:"identity"`
	Lease    string    `json:"lease,omitempty"`
	Snapshot *Snapshot `json:"snapshot,omitempty"`
}

// Snapshot holds a member's metrics by family name, as its /metrics shows them.
type Snapshot struct {
	Metrics map[string]Family `json:"metrics"`
}

// Family is one metric family of a snapshot.
type Family struct {
	// Type is gauge, counter, histogram, info or another Prometheus type.
	Type    string   `json:"type"`
	Samples []Sample `json:"samples"`
}

// Sample is one value of a family. Name carries the suffix (_total, _bucket, ...).
type Sample struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Value  float64           `json:"value"`
}

// Metrics are the nine values that every cluster, fleet and the whole have.
// All are finite; one that is not known is 0 and its key is in a cluster's Missing.
type Metrics struct {
	LatencySeconds     float64 `json:"latency_seconds"`
	ShardsUp           float64 `json:"shards_up"`
	Guilds             float64 `json:"guilds"`
	CachedUsers        float64 `json:"cached_users"`
	InteractionsRate   float64 `json:"interactions_rate"`
	ErrorRate          float64 `json:"error_rate"`
	DurationP95Seconds float64 `json:"duration_p95_seconds"`
	RateLimitsRate     float64 `json:"ratelimits_rate"`
	UptimeSeconds      float64 `json:"uptime_seconds"`
}

// Health of a cluster or a shard.
const (
	StatusUp   = "up"
	StatusDown = "down"
)

// Shard is one gateway shard as its cluster reported it.
type Shard struct {
	ID             string  `json:"shard_id"`
	Status         string  `json:"status"`
	LatencySeconds float64 `json:"latency_seconds"`
}

// Cluster is one bot process in a view.
type Cluster struct {
	Number   int       `json:"number"`
	Identity string    `json:"identity"`
	Fleet    string    `json:"fleet"`
	Status   string    `json:"status"`
	LastSeen time.Time `json:"last_seen"`
	Metrics  Metrics   `json:"metrics"`
	Shards   []Shard   `json:"shards"`

	// The following are ours; argus-dpy's page ignores them.
	FirstSeen     time.Time  `json:"first_seen"`
	RegisteredAt  time.Time  `json:"registered_at"`
	ValuesAt      *time.Time `json:"values_at,omitempty"`
	Registrations int        `json:"registrations"`
	Version       string     `json:"version"`
	ScrapeTarget  string     `json:"scrape_target"`
	// Missing lists the keys of Metrics whose 0 means "not known".
	Missing []string `json:"missing,omitempty"`
	// Oversized means that the latest snapshot was over the body cap, so the
	// values are older than LastSeen.
	Oversized bool `json:"oversized,omitempty"`
}

// Fleet is a named set of clusters in a view.
type Fleet struct {
	Name          string    `json:"name"`
	ClustersUp    int       `json:"clusters_up"`
	ClustersTotal int       `json:"clusters_total"`
	Rollup        Metrics   `json:"rollup"`
	Clusters      []Cluster `json:"clusters"`
}

// View is the reply of GET /api/fleet/view: fleets by name, clusters by number.
type View struct {
	GeneratedAt time.Time `json:"generated_at"`
	Global      Metrics   `json:"global"`
	Fleets      []Fleet   `json:"fleets"`
}

// Config is the reply of GET /api/config.
type Config struct {
	// Fleet is always true; the page tells a control plane from a bot by it.
	Fleet bool `json:"fleet"`
	// Namespace is the metric prefix.
	Namespace        string `json:"namespace"`
	Version          string `json:"version"`
	AuthRequired     bool   `json:"auth_required"`
	AnalyticsEnabled bool   `json:"analytics_enabled"`
	// Interval is the heartbeat interval in seconds, and TTLSeconds the silence
	// after which a cluster is down; argus-dpy's control plane does not tell the latter.
	Interval   int `json:"interval"`
	TTLSeconds int `json:"ttl_seconds,omitempty"`
	// Tokens names the accepted tokens by fingerprint, in list order; nil
	// without a pepper.
	Tokens *Tokens `json:"tokens,omitempty"`
}

// Tokens are the accepted tokens of the ingest and the viewer surface.
type Tokens struct {
	Ingest []TokenInfo `json:"ingest"`
	Viewer []TokenInfo `json:"viewer"`
}

// TokenInfo tells one accepted token from another without revealing either.
type TokenInfo struct {
	// Fingerprint is the result of the function of that name.
	Fingerprint string `json:"fingerprint"`
	// LastUsedAgeSeconds is how long ago the token last opened anything; nil
	// when it has not since the control plane started.
	LastUsedAgeSeconds *float64 `json:"last_used_age_seconds"`
}

// ClusterDetail is the reply of GET /api/fleet/cluster?fleet=&number=.
type ClusterDetail struct {
	Cluster Cluster `json:"cluster"`
	// History is ordered oldest first.
	History []HistoryPoint `json:"history"`
}

// HistoryPoint holds the values of one moment.
type HistoryPoint struct {
	T       time.Time `json:"t"`
	Metrics Metrics   `json:"metrics"`
}

// History is the reply of GET /api/fleet/history[?fleet=]: the roll-up of one
// fleet or of all, oldest first.
type History struct {
	History []HistoryPoint `json:"history"`
}

// Kinds of Event.
const (
	EventUp       = "up"
	EventDown     = "down"
	EventJoined   = "joined"
	EventRestart  = "restarted"
	EventLeft     = "left"
	EventMoved    = "moved"
	EventConflict = "conflict"
	EventRetired  = "retired"
)

// Event is something that happened to a cluster.
type Event struct {
	T        time.Time `json:"t"`
	Kind     string    `json:"kind"`
	Identity string    `json:"identity"`
	Fleet    string    `json:"fleet"`
	Number   int       `json:"number"`
}

// Events is the reply of GET /api/fleet/events: the latest, oldest first.
type Events struct {
	Events []Event `json:"events"`
}

// Names of the server-sent events of GET /api/fleet/stream.
const (
	// StreamReset carries a whole View: forget what you have.
	StreamReset = "reset"
	// StreamChange carries a Delta.
	StreamChange = "change"
)

// Delta is what changed between two views.
type Delta struct {
	GeneratedAt time.Time `json:"generated_at"`
	Global      Metrics   `json:"global"`
	// Fleets are all fleets, without their clusters.
	Fleets []FleetSummary `json:"fleets"`
	// Clusters are those that are new or changed, Removed the identities that
	// are gone.
	Clusters []Cluster `json:"clusters"`
	Removed  []string  `json:"removed"`
	// Events are those since the last view, oldest first.
	Events []Event `json:"events"`
}

// TargetGroup is one entry of GET /api/fleet/targets, in the form of
// Prometheus' http_sd: one host:port and its labels.
type TargetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// Summary is the reply of GET /api/fleet/summary: counts and roll-ups without
// the clusters, so its size does not grow with them.
type Summary struct {
	Version       string         `json:"version"`
	ClustersUp    int            `json:"clusters_up"`
	ClustersTotal int            `json:"clusters_total"`
	Global        Metrics        `json:"global"`
	Fleets        []FleetSummary `json:"fleets"`
}

// FleetSummary is one fleet of a Summary; fleets come sorted by name.
type FleetSummary struct {
	Name          string  `json:"name"`
	ClustersUp    int     `json:"clusters_up"`
	ClustersTotal int     `json:"clusters_total"`
	Rollup        Metrics `json:"rollup"`
}

// Status is the reply of GET /api/fleet/status: what an operator needs to know
// of its clusters, and no more. Its ETag moves when anything but ValuesAt does.
type Status struct {
	Version string `json:"version"`
	// StartedAt is when the control plane's process started: what it has not heard since, it
	// may have forgotten. Zero from one that does not say.
	StartedAt time.Time       `json:"started_at,omitzero"`
	Clusters  []ClusterStatus `json:"clusters"`
}

// ClusterStatus is one cluster of a Status.
type ClusterStatus struct {
	Identity      string `json:"identity"`
	Fleet         string `json:"fleet"`
	Number        int    `json:"number"`
	Status        string `json:"status"`
	Registrations int    `json:"registrations"`
	// ShardsUp and ShardsTotal count the shards that the member reports; both
	// are 0 for a member that reports none.
	ShardsUp    int     `json:"shards_up"`
	ShardsTotal int     `json:"shards_total"`
	Guilds      float64 `json:"guilds"`
	// RegisteredAt is when the running process registered, ValuesAt when its
	// last values arrived; nil when none have since it registered, or since a control
	// plane started that was not stopped in order.
	RegisteredAt time.Time  `json:"registered_at"`
	ValuesAt     *time.Time `json:"values_at,omitempty"`
	// Token is the fingerprint of the ingest token that opened the way for the last
	// registration or heartbeat that was accepted; "" without a pepper, and when there
	// has been none since the control plane started.
	Token string `json:"token,omitempty"`
}
