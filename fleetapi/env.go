package fleetapi

// FileSuffix is appended to a secret's variable to name a file that holds it.
// A control plane and a Go member read both; the value itself wins.
const FileSuffix = "_FILE"

// Environment of the control plane. Secrets are also read from NAME + FileSuffix.
const (
	EnvFleetHost              = "ARGUS_FLEET_HOST"
	EnvFleetPort              = "ARGUS_FLEET_PORT"
	EnvFleetIngestToken       = "ARGUS_FLEET_INGEST_TOKEN"
	EnvFleetViewerToken       = "ARGUS_FLEET_VIEWER_TOKEN"
	EnvFleetSecretPepper      = "ARGUS_FLEET_SECRET_PEPPER"
	EnvFleetHeartbeatInterval = "ARGUS_FLEET_HEARTBEAT_INTERVAL"
	EnvFleetTTLFactor         = "ARGUS_FLEET_TTL_FACTOR"
	EnvFleetState             = "ARGUS_FLEET_STATE"
	EnvFleetInsecure          = "ARGUS_FLEET_INSECURE"
	EnvFleetMaxBodyBytes      = "ARGUS_FLEET_MAX_BODY_BYTES"
	EnvFleetMaxClusters       = "ARGUS_FLEET_MAX_CLUSTERS"
	EnvFleetViewCacheMillis   = "ARGUS_FLEET_VIEW_CACHE_MS"
	EnvFleetRegisterBurst     = "ARGUS_FLEET_REGISTER_BURST"
	EnvFleetHeartbeatBurst    = "ARGUS_FLEET_HEARTBEAT_BURST"
	EnvFleetReadBurst         = "ARGUS_FLEET_READ_BURST"
	EnvFleetRequireLease      = "ARGUS_FLEET_REQUIRE_LEASE"
	EnvFleetAuditLog          = "ARGUS_FLEET_AUDIT_LOG"
	EnvFleetCORSOrigins       = "ARGUS_FLEET_CORS_ORIGINS"
	EnvFleetRetentionDays     = "ARGUS_FLEET_RETENTION_DAYS"
	EnvFleetLogFormat         = "ARGUS_FLEET_LOG_FORMAT"
	EnvFleetAdminToken        = "ARGUS_FLEET_ADMIN_TOKEN"
	EnvFleetTrustedProxy      = "ARGUS_FLEET_TRUSTED_PROXY"
	EnvFleetTrustedProxies    = "ARGUS_FLEET_TRUSTED_PROXIES"
	EnvFleetScrapeAllow       = "ARGUS_FLEET_SCRAPE_ALLOW"
	EnvFleetPrometheusURL     = "ARGUS_FLEET_PROMETHEUS_URL"
	EnvFleetPrometheusToken   = "ARGUS_FLEET_PROMETHEUS_TOKEN"
	EnvFleetPrometheusCAFile  = "ARGUS_FLEET_PROMETHEUS_CA_FILE"
	EnvFleetClickHouseDSN     = "ARGUS_FLEET_CLICKHOUSE_DSN"
	EnvFleetTLSCertFile       = "ARGUS_FLEET_TLS_CERT_FILE"
	EnvFleetTLSKeyFile        = "ARGUS_FLEET_TLS_KEY_FILE"
	// EnvFleetEnvFile names a file of NAME=value lines, read where the environment is silent.
	EnvFleetEnvFile = "ARGUS_FLEET_ENV_FILE"
)

// Environment that both sides read.
const (
	// EnvFleetToken is a member's token, and the control plane's shared one.
	EnvFleetToken = "ARGUS_FLEET_TOKEN"
	// EnvMetricPrefix must be equal on a control plane and its members.
	EnvMetricPrefix = "ARGUS_NAMESPACE"
)

// Environment of a member, which is a bot process.
const (
	EnvMemberFleetURL         = "ARGUS_FLEET_URL"
	EnvMemberFleetGroup       = "ARGUS_FLEET_GROUP"
	EnvMemberStateDir         = "ARGUS_FLEET_STATE_DIR"
	EnvMemberScrapeTarget     = "ARGUS_FLEET_SCRAPE_TARGET"
	EnvMemberFleetCAFile      = "ARGUS_FLEET_CA_FILE"
	EnvMemberFleetID          = "ARGUS_FLEET_ID"
	EnvMemberClusterID        = "ARGUS_CLUSTER_ID"
	EnvMemberHost             = "ARGUS_HOST"
	EnvMemberPort             = "ARGUS_PORT"
	EnvMemberMetricsPath      = "ARGUS_METRICS_PATH"
	EnvMemberMetricsToken     = "ARGUS_METRICS_AUTH_TOKEN"
	EnvMemberDashboard        = "ARGUS_DASHBOARD"
	EnvMemberDashboardToken   = "ARGUS_DASHBOARD_AUTH_TOKEN"
	EnvMemberOTLPEndpoint     = "ARGUS_OTLP_ENDPOINT"
	EnvMemberTracing          = "ARGUS_ENABLE_TRACING"
	EnvMemberPerGuild         = "ARGUS_ENABLE_PER_GUILD"
	EnvMemberProcessMetrics   = "ARGUS_PROCESS_METRICS"
	EnvMemberLogFormat        = "ARGUS_LOG_FORMAT"
	EnvMemberClickHouseDSN    = "ARGUS_CLICKHOUSE_DSN"
	EnvMemberCommonClusterID  = "CLUSTER_ID"
	EnvMemberCommonShardIDs   = "SHARD_IDS"
	EnvMemberCommonShardCount = "SHARD_COUNT"
)
