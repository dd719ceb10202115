package fleetapi

// Names of a bot's metrics that a control plane reads, without the metric
// prefix and the "_" behind it. They are sample names: a counter's ends in
// _total, a histogram's samples add _bucket, _count and _sum.
const (
	MetricShardLatency       = "shard_latency_seconds"
	MetricShardUp            = "shard_up"
	MetricGuilds             = "guilds"
	MetricCachedUsers        = "cached_users"
	MetricUptime             = "uptime_seconds"
	MetricInteractions       = "interactions_total"
	MetricAppCommands        = "app_commands_total"
	MetricCommands           = "commands_total"
	MetricCommandErrors      = "command_errors_total"
	MetricRateLimits         = "ratelimits_total"
	MetricAppCommandDuration = "app_command_duration_seconds"
)
