package fleetapi

// Paths of the control plane. Ingest paths take the ingest token, /api/... and
// /metrics the viewer token; the health paths are open.
const (
	PathRegister  = "/fleet/register"
	PathHeartbeat = "/fleet/heartbeat"
	PathLeave     = "/fleet/leave"

	PathConfig  = "/api/config"
	PathView    = "/api/fleet/view"
	PathCluster = "/api/fleet/cluster"
	PathStatus  = "/api/fleet/status"
	PathSummary = "/api/fleet/summary"
	PathTargets = "/api/fleet/targets"
	PathHistory = "/api/fleet/history"
	PathEvents  = "/api/fleet/events"
	PathStream  = "/api/fleet/stream"
	PathSession = "/api/session"
	PathMetrics = "/metrics"

	PathHealthz = "/healthz"
	PathReadyz  = "/readyz"
)

// Paths of the questions about one guild; they are there when a ClickHouse is
// configured.
const (
	PathInteractionVolume = "/api/fleet/analytics/interaction-volume"
	PathTopCommands       = "/api/fleet/analytics/top-commands"
	PathCommandStats      = "/api/fleet/analytics/command-stats"
	PathAvgDuration       = "/api/fleet/analytics/avg-duration"
)

// Paths that take the admin token.
const (
	PathAdminCluster    = "/api/admin/cluster"
	PathAdminResetLease = "/api/admin/cluster/reset-lease"
	PathAdminBackup     = "/api/admin/backup"
	PathAdminExport     = "/api/admin/export"
)

// Default ports of the original system, kept so that existing dashboards,
// scrape configurations and firewalls fit.
const (
	// DefaultFleetPort is where the control plane listens.
	DefaultFleetPort = 9190
	// DefaultBotPort is where a bot serves /metrics and its dashboard.
	DefaultBotPort = 9191
)

// ExitStateLocked is the exit status (EX_TEMPFAIL) of a control plane that finds its
// state file held by another process.
const ExitStateLocked = 75

const (
	// DefaultMetricPrefix is the prefix ("namespace") of a bot's metrics.
	DefaultMetricPrefix = "discord"
	// DefaultFleet is the fleet (group, region) of a member that names none.
	DefaultFleet = "default"
	// DefaultHeartbeatIntervalSeconds is the interval of an argus-dpy member, which is fixed there.
	DefaultHeartbeatIntervalSeconds = 15
	// LeastTTLSeconds is what a member that beats every 15 s +/- 10 % needs to lose one
	// beat without being shown as down.
	LeastTTLSeconds = 35
	// DefaultTTLFactor is how many intervals of silence make a cluster down.
	DefaultTTLFactor = 3
)
