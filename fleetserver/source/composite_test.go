package source

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestWithoutPrometheusPushesAreAllThereIs(t *testing.T) {
	p := newPusher(t)
	p.push(0, line{"guilds", ``, "5"})
	c := NewComposite(nil, p.p)
	defer c.Close()
	if got := c.Latest()("a"); got.Metrics.Guilds != 5 || got.At != p.c.at {
		t.Errorf("%+v, want what was pushed", got)
	}
	if got := c.Expires(p.c.at); !got.IsZero() {
		t.Errorf("pushed values expire at %s, want never", got)
	}
}

func TestPushesFillWhatPrometheusLacks(t *testing.T) {
	pushed := []line{
		{"guilds", ``, "5"},
		{"cached_users", ``, "50"},
		{"uptime_seconds", ``, "7"},
		{"app_commands_total", ``, "100"},
		{"command_errors_total", ``, "50"},
	}
	for name, tc := range map[string]struct {
		rows    map[string][]string
		want    fleetapi.Metrics
		missing []string
		rollup  float64 // error rate
	}{
		"all, if it knows nothing": {
			nil,
			fleetapi.Metrics{Guilds: 5, CachedUsers: 50, UptimeSeconds: 7, ErrorRate: 0.5},
			[]string{keyLatency, keyShardsUp, keyInteractions, keyDurationP95, keyRateLimits},
			0.5,
		},
		"all, if it knows only others": {
			map[string][]string{"discord_guilds": {of("b", "", 9)}},
			fleetapi.Metrics{Guilds: 5, CachedUsers: 50, UptimeSeconds: 7, ErrorRate: 0.5},
			[]string{keyLatency, keyShardsUp, keyInteractions, keyDurationP95, keyRateLimits},
			0.5,
		},
		"key by key": {
			map[string][]string{"discord_guilds": {of("a", "", 9)}, "discord_interactions_total": {of("a", "", 2)}},
			fleetapi.Metrics{Guilds: 9, CachedUsers: 50, UptimeSeconds: 7, ErrorRate: 0.5, InteractionsRate: 2},
			[]string{keyLatency, keyShardsUp, keyDurationP95, keyRateLimits},
			0.5,
		},
		"a zero that it knows is a value": {
			map[string][]string{"discord_guilds": {of("a", "", 0)}},
			fleetapi.Metrics{CachedUsers: 50, UptimeSeconds: 7, ErrorRate: 0.5},
			[]string{keyLatency, keyShardsUp, keyInteractions, keyDurationP95, keyRateLimits},
			0.5,
		},
		"an error rate needs no errors": {
			map[string][]string{"discord_app_commands_total": {of("a", "", 10)}},
			fleetapi.Metrics{Guilds: 5, CachedUsers: 50, UptimeSeconds: 7},
			[]string{keyLatency, keyShardsUp, keyInteractions, keyDurationP95, keyRateLimits},
			0,
		},
		"prefix commands alone are commands": {
			map[string][]string{"discord_commands_total": {of("a", "", 10)}, "discord_command_errors_total": {of("a", "", 1)}},
			fleetapi.Metrics{Guilds: 5, CachedUsers: 50, UptimeSeconds: 7, ErrorRate: 0.1},
			[]string{keyLatency, keyShardsUp, keyInteractions, keyDurationP95, keyRateLimits},
			0.1,
		},
		"a window without a command has no error rate": {
			map[string][]string{"discord_app_commands_total": {of("a", "", 0)}, "discord_command_errors_total": {of("a", "", 0)}},
			fleetapi.Metrics{Guilds: 5, CachedUsers: 50, UptimeSeconds: 7, ErrorRate: 0.5},
			[]string{keyLatency, keyShardsUp, keyInteractions, keyDurationP95, keyRateLimits},
			0.5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := poll(t)
			p.server.rows = tc.rows
			p.push.Observe("a", 1, read(t, pushed...))
			got := p.Latest()("a")
			if diff := cmp.Diff(tc.want, got.Metrics, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Errorf("metrics (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tc.missing, got.Missing); diff != "" {
				t.Errorf("missing (-want +got)\n%s", diff)
			}
			var group Group
			group.Add(got)
			expect(t, "error rate of the roll-up", group.Rollup().ErrorRate, tc.rollup)
			if got.At != p.clock.now() {
				t.Errorf("values are of %s, want the push's time", got.At)
			}
		})
	}
}

func TestPushesFillShards(t *testing.T) {
	p := poll(t)
	pushed := p.push
	pushed.Observe("a", 1, read(t,
		line{"shard_up", `"shard": "0"`, "1"}, line{"shard_latency_seconds", `"shard": "0"`, "0.1"},
		line{"shard_up", `"shard": "1"`, "1"},
		line{"shard_up", `"shard": "2"`, "0"},
		line{"shard_up", `"shard": "12"`, "1"}))
	p.server.rows = map[string][]string{
		"(cluster, shard) (discord_shard_up)":              {of("a", "0", 0), of("a", "3", 1)},
		"(cluster, shard) (discord_shard_latency_seconds)": {of("a", "1", 0.5), of("a", "2", 0.6), of("a", "4", 0.7)},
	}
	want := []fleetapi.Shard{
		{ID: "0", Status: "down", LatencySeconds: 0.1}, // its state is Prometheus's, its latency pushed
		{ID: "1", Status: "up", LatencySeconds: 0.5},   // the other way round
		{ID: "2", Status: "down", LatencySeconds: 0.6},
		{ID: "3", Status: "up"},                        // Prometheus alone knows it
		{ID: "4", Status: "down", LatencySeconds: 0.7}, // nobody says that it is up
		{ID: "12", Status: "up"},                       // Prometheus does not know it
	}
	if diff := cmp.Diff(want, p.Latest()("a").Shards); diff != "" {
		t.Errorf("shards (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff("up", pushed.Values("a").Shards[0].Status); diff != "" {
		t.Errorf("what was pushed has changed (-want +got)\n%s", diff)
	}
}

func TestPushedValuesStayWhenPrometheusGoes(t *testing.T) {
	p := poll(t)
	script(p.server)
	p.push.Observe("a", 1, read(t, line{"guilds", ``, "5"}))
	if got := p.Latest()("a").Metrics.Guilds; got != 10 {
		t.Fatalf("guilds %v, want Prometheus's 10", got)
	}
	p.server.Close()
	got := p.later(time.Second)("a")
	if got.Metrics.Guilds != 5 || got.Metrics.UptimeSeconds != 0 || len(got.Shards) != 0 {
		t.Errorf("%+v, want what was pushed and no more", got)
	}
}
