// Package sample writes heartbeats as argus-dpy's members do, byte for byte in
// the manner of Python's json.dumps, so that benchmarks and tests measure what
// really arrives. Nothing that ships imports it.
package sample

import (
	"fmt"
	"strconv"
	"strings"
)

// Shape is what a member reports.
type Shape struct {
	// Shards is how many it runs.
	Shards int
	// Commands is how many of its commands have been used.
	Commands int
	// Timed is how many of those have a histogram of durations.
	Timed int
	// Full adds everything else that a bot exports by default: outcomes,
	// errors, gateway events, and the process's own metrics.
	Full bool
}

// Lean is a bot just started, of about 5 KiB; Real one in use with process
// metrics, of about 48 KiB.
func Lean() Shape { return Shape{Shards: 4, Commands: 20, Timed: 1} }

// Real is described at Lean.
func Real() Shape { return Shape{Shards: 4, Commands: 20, Timed: 20, Full: true} }

// Heartbeat is the body of a member's beat. Counters rise with round, so that
// consecutive beats differ as a bot's do.
func (s Shape) Heartbeat(identity, lease string, round int) []byte {
	w := &writer{cluster: label{"cluster", identity}, round: round}
	fmt.Fprintf(&w.Builder, `{"identity": %q, "lease": %q, "snapshot": {"metrics": {`, identity, lease)
	s.gauges(w)
	if s.Full {
		ownGauges(w)
	}
	s.counters(w)
	s.durations(w)
	w.end()
	w.WriteString("}}}")
	return []byte(w.String())
}

func (s Shape) gauges(w *writer) {
	shards := func(name string, value func(shard int) float64) {
		w.family(name, "gauge")
		for shard := range s.Shards {
			w.sample(name, value(shard), label{"shard", strconv.Itoa(shard)})
		}
	}
	shards("discord_shard_latency_seconds", func(shard int) float64 { return 0.041 + 0.0137*float64(shard) + float64(w.round*7919%997)/1e5 })
	shards("discord_shard_up", func(int) float64 { return 1 })
	w.gauge("discord_guilds", 1874+float64(w.round*31%1009))
	w.gauge("discord_cached_users", 91234+float64(w.round*7919%50021))
	w.gauge("discord_uptime_seconds", 86400.0005763369999+15.0137*float64(w.round))
	if !s.Full {
		return
	}
	shards("discord_shard_ws_ratelimited", func(int) float64 { return 0 })
	for _, name := range []string{
		"discord_shards_connected", "discord_shards_configured", "discord_voice_clients", "discord_emojis",
		"discord_stickers", "discord_private_channels", "discord_app_commands_registered",
	} {
		w.gauge(name, float64(len(name)))
	}
}

func (s Shape) counters(w *writer) {
	outcomes := []string{"success"}
	if s.Full {
		outcomes = append(outcomes, "error")
	}
	w.family("discord_app_commands", "counter")
	for _, name := range commands()[:s.Commands] {
		for _, status := range outcomes {
			w.sample("discord_app_commands_total", w.count(300*len(name)), label{"command", name}, label{"status", status}, w.cluster)
		}
	}
	if !s.Full {
		return
	}
	w.family("discord_interactions", "counter")
	for _, kind := range []string{"application_command", "component", "modal_submit", "autocomplete"} {
		w.sample("discord_interactions_total", w.count(900), label{"type", kind}, label{"status", "success"}, w.cluster)
	}
	w.family("discord_command_errors", "counter")
	for _, name := range commands()[:min(s.Commands, 10)] {
		w.sample("discord_command_errors_total", w.count(5), label{"command", name}, label{"error_type", "CommandInvokeError"}, w.cluster)
	}
	w.family("discord_gateway_events", "counter")
	for i := range 10 {
		w.sample("discord_gateway_events_total", w.count(8000*i), label{"event", "MESSAGE_" + strconv.Itoa(i)}, w.cluster)
	}
	w.family("discord_shard_reconnects", "counter")
	for i := range 2 * s.Shards {
		w.sample("discord_shard_reconnects_total", 1, label{"shard", strconv.Itoa(i % s.Shards)}, w.cluster)
	}
	w.family("discord_ratelimits", "counter")
	for range 2 {
		w.sample("discord_ratelimits_total", w.count(3), w.cluster)
	}
	for _, unused := range []string{
		"discord_commands", "discord_shard_disconnects", "discord_log_records", "argus_instrumentation_errors",
		"argus_history_events_dropped", "argus_timers_evicted",
	} {
		w.family(unused, "counter")
	}
}

func (s Shape) durations(w *writer) {
	const name = "discord_app_command_duration_seconds"
	w.family(name, "histogram")
	for _, command := range commands()[:s.Timed] {
		of, n := label{"command", command}, w.count(4)
		for i, le := range []string{"0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"} {
			w.sample(name+"_bucket", min(float64(i)*n/4, n), of, w.cluster, label{"le", le})
		}
		w.sample(name+"_count", n, of, w.cluster)
		w.sample(name+"_sum", 0.21*n, of, w.cluster)
		if s.Full {
			w.sample(name+"_created", 1795419229.7412, of, w.cluster)
		}
	}
}

// ownGauges are those of the process, which no fleet needs.
func ownGauges(w *writer) {
	for _, name := range []string{
		"argus_up", "argus_subsystem_up", "process_virtual_memory_bytes", "process_resident_memory_bytes",
		"process_start_time_seconds", "process_cpu_seconds", "process_open_fds", "process_max_fds", "discord_bot",
	} {
		w.family(name, "gauge")
		w.sample(name, 41377792)
	}
	w.family("python_info", "gauge")
	w.sample("python_info", 1, label{"version", "3.11.2"}, label{"implementation", "CPython"}, label{"major", "3"}, label{"minor", "11"}, label{"patchlevel", "2"})
	for _, name := range []string{"python_gc_objects_collected", "python_gc_objects_uncollectable", "python_gc_collections"} {
		w.family(name, "counter")
		for generation := range 3 {
			w.sample(name+"_total", w.count(574), label{"generation", strconv.Itoa(generation)})
		}
	}
}

func commands() []string {
	return strings.Fields("ping help play skip queue ban kick mute warn purge rank daily balance shop profile poll remind settings invite stats")
}
