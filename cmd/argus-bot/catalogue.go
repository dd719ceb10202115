package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// family is one metric family of the bot: what it is called, and how its
// values follow from a moment of the simulation.
type family struct {
	// name is without the prefix, unless it begins with "argus_".
	name   string
	help   string
	kind   prometheus.ValueType
	labels []string
	values func(m moment, emit func(value float64, labels ...string))
}

// Labels of the bot's metrics. None of them ever names a guild, a user or a channel.
const (
	labelCluster   = "cluster"
	labelCommand   = "command"
	labelErrorType = "error_type"
	labelEvent     = "event"
	labelShard     = "shard"
	labelStatus    = "status"
	labelType      = "type"
)

// catalogue lists the families that are plain values; the command durations,
// a histogram, have their own collector.
func catalogue(cluster string) []family {
	return append(gauges(cluster), append(shardFamilies(cluster), counters(cluster)...)...)
}

func gauges(cluster string) []family {
	of := func(name, help string, value func(m moment) float64) family {
		return family{name, help, prometheus.GaugeValue, []string{labelCluster}, func(m moment, emit func(float64, ...string)) {
			emit(value(m), cluster)
		}}
	}
	return []family{
		of("shards_connected", "Shards with an open gateway connection.", func(m moment) float64 { return float64(m.connected) }),
		of("shards_configured", "Shards this process runs.", func(m moment) float64 { return float64(len(m.shards)) }),
		of(fleetapi.MetricGuilds, "Guilds in the cache.", moment.guildCount),
		of(fleetapi.MetricCachedUsers, "Users in the cache.", moment.cachedUsers),
		of("voice_clients", "Voice connections.", moment.voiceClients),
		of("emojis", "Emojis in the cache.", func(m moment) float64 { return 3 * m.guildCount() }),
		of("stickers", "Stickers in the cache.", func(m moment) float64 { return float64(int(m.guildCount() / 6)) }),
		of("private_channels", "Private channels in the cache.", func(moment) float64 { return 0 }),
		of("app_commands_registered", "Commands in the command tree.", func(m moment) float64 { return float64(len(m.commands)) }),
		of(fleetapi.MetricUptime, "Seconds since the bot started.", func(m moment) float64 { return m.elapsed }),
	}
}

func shardFamilies(cluster string) []family {
	return []family{
		{fleetapi.MetricShardLatency, "Gateway heartbeat latency.", prometheus.GaugeValue, []string{labelShard}, connectedShards(moment.latencyOf)},
		{fleetapi.MetricShardUp, "Whether the shard is connected.", prometheus.GaugeValue, []string{labelShard}, func(m moment, emit func(float64, ...string)) {
			for _, s := range m.shards {
				emit(truth(m.up(s)), strconv.Itoa(s.id))
			}
		}},
		{
			"shard_ws_ratelimited", "Whether the shard is rate limited by the gateway.", prometheus.GaugeValue,
			[]string{labelShard},
			connectedShards(func(moment, shard) float64 { return 0 }),
		},
		{
			"shard_reconnects_total", "Connections and resumed sessions.", prometheus.CounterValue,
			[]string{labelShard, labelCluster},
			connectedShards(func(moment, shard) float64 { return 1 }, cluster),
		},
	}
}

// connectedShards emits a value for each shard that has a connection: a shard
// that is known by its latency alone would be taken for one that is up.
func connectedShards(value func(moment, shard) float64, labels ...string) func(moment, func(float64, ...string)) {
	return func(m moment, emit func(float64, ...string)) {
		for _, s := range m.shards {
			if m.up(s) {
				emit(value(m, s), append([]string{strconv.Itoa(s.id)}, labels...)...)
			}
		}
	}
}

func counters(cluster string) []family {
	of := func(name, help string, labels []string, values func(moment, func(float64, ...string))) family {
		return family{name, help, prometheus.CounterValue, append(labels, labelCluster), values}
	}
	return []family{
		of(fleetapi.MetricInteractions, "Interactions received.", []string{labelType, labelStatus}, func(m moment, emit func(float64, ...string)) {
			for kind, share := range interactionKinds() {
				emit(m.interactionCount(share), kind, "received", cluster)
			}
		}),
		of(fleetapi.MetricAppCommands, "Application commands run.", []string{labelCommand, labelStatus}, func(m moment, emit func(float64, ...string)) {
			for _, c := range m.commands {
				succeeded, failed := m.invocations(c)
				emit(succeeded, c.name, "success", cluster)
				if failed > 0 {
					emit(failed, c.name, "error", cluster)
				}
			}
		}),
		of(fleetapi.MetricCommandErrors, "Commands that failed.", []string{labelCommand, labelErrorType}, func(m moment, emit func(float64, ...string)) {
			for _, c := range m.commands {
				if _, failed := m.invocations(c); failed > 0 {
					emit(failed, c.name, c.errorType, cluster)
				}
			}
		}),
		of("gateway_events_total", "Gateway events received.", []string{labelEvent}, func(m moment, emit func(float64, ...string)) {
			for event, share := range gatewayEvents() {
				emit(m.gatewayEventCount(share), event, cluster)
			}
		}),
		of(fleetapi.MetricRateLimits, "Rate limits met.", nil, func(m moment, emit func(float64, ...string)) { emit(m.rateLimitCount(), cluster) }),
	}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
