package main

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/member"
)

// startOfTime is when the simulations of these tests start.
func startOfTime() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

func fourShards() config {
	return config{cluster: "asia-0", shards: []int{0, 1, 2, 3}, guilds: 1874, commands: 20, seed: 1, down: map[int]bool{}}
}

// snapshotAt returns what a bot that has run for so long sends.
func snapshotAt(t *testing.T, c config, elapsed time.Duration, processMetrics bool) fleetapi.Snapshot {
	t.Helper()
	now := func() time.Time { return startOfTime().Add(elapsed) }
	col := newCollector(newSimulation(c, c.cluster, startOfTime()), "discord", c.cluster, now)
	registry := newRegistry(col, "discord", processMetrics, map[string]func() bool{"fleet": func() bool { return true }})
	if err := prometheus.NewPedanticRegistry().Register(col); err != nil {
		t.Fatalf("the collector is not consistent: %v", err)
	}
	snapshot, err := member.SnapshotFrom(registry)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// values flattens a snapshot.
func values(snapshot fleetapi.Snapshot) map[string]float64 {
	flat := map[string]float64{}
	for _, family := range snapshot.Metrics {
		for _, sample := range family.Samples {
			labels, _ := json.Marshal(sample.Labels)
			flat[sample.Name+string(labels)] = sample.Value
		}
	}
	return flat
}

func TestTheSameSeedTellsTheSameStory(t *testing.T) {
	for _, elapsed := range []time.Duration{0, time.Second, time.Hour} {
		one, two := snapshotAt(t, fourShards(), elapsed, false), snapshotAt(t, fourShards(), elapsed, false)
		if diff := cmp.Diff(values(one), values(two)); diff != "" {
			t.Errorf("after %s (-one +two):\n%s", elapsed, diff)
		}
	}
	other := fourShards()
	other.seed = 2
	sibling := fourShards()
	sibling.cluster = "asia-1"
	for name, c := range map[string]config{"another seed": other, "another cluster": sibling} {
		if values(snapshotAt(t, c, time.Hour, false))[`discord_shard_latency_seconds{"shard":"0"}`] ==
			values(snapshotAt(t, fourShards(), time.Hour, false))[`discord_shard_latency_seconds{"shard":"0"}`] {
			t.Errorf("%s tells the same story", name)
		}
	}
}

func TestCountersNeverFall(t *testing.T) {
	previous := values(snapshotAt(t, fourShards(), 0, false))
	for elapsed := 105 * time.Second; elapsed < 6*time.Hour; elapsed += 105 * time.Second {
		current := values(snapshotAt(t, fourShards(), elapsed, false))
		for name, value := range current {
			if before, known := previous[name]; known && isCount(name) && value < before {
				t.Fatalf("after %s %s fell from %g to %g", elapsed, name, before, value)
			}
		}
		previous = current
	}
}

func TestGaugesMoveSmoothlyAndPlausibly(t *testing.T) {
	for elapsed := time.Duration(0); elapsed < 6*time.Hour; elapsed += 11 * time.Minute {
		one, next := values(snapshotAt(t, fourShards(), elapsed, false)), values(snapshotAt(t, fourShards(), elapsed+15*time.Second, false))
		for name, bounds := range map[string]struct{ from, to, step float64 }{
			`discord_guilds{"cluster":"asia-0"}`:         {1850, 1920, 0.005},
			`discord_cached_users{"cluster":"asia-0"}`:   {85_000, 97_000, 0.01},
			`discord_shard_latency_seconds{"shard":"2"}`: {0.02, 0.15, 0.25},
		} {
			if value := one[name]; value < bounds.from || value > bounds.to {
				t.Errorf("at %s %s is %g, want %g to %g", elapsed, name, value, bounds.from, bounds.to)
			}
			if moved := math.Abs(next[name]-one[name]) / one[name]; moved > bounds.step {
				t.Errorf("at %s %s moved from %g to %g within 15 s", elapsed, name, one[name], next[name])
			}
		}
	}
}

func isCount(name string) bool {
	for _, part := range []string{"_total{", "_bucket{", "_count{", "_sum{"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func TestDurationsAreAHistogram(t *testing.T) {
	snapshot := snapshotAt(t, fourShards(), 3*time.Hour, false)
	var below, count float64
	for _, sample := range snapshot.Metrics["discord_app_command_duration_seconds"].Samples {
		if sample.Labels["command"] != "ping" {
			continue
		}
		switch {
		case strings.HasSuffix(sample.Name, "_bucket"):
			if sample.Value < below {
				t.Errorf("bucket le=%s holds %g, less than the one before it (%g)", sample.Labels["le"], sample.Value, below)
			}
			below = sample.Value
		case strings.HasSuffix(sample.Name, "_count"):
			count = sample.Value
		}
	}
	if count == 0 || below != count {
		t.Errorf("the last bucket holds %g of %g", below, count)
	}
}

func TestTheFirstCommandsDoNotLookEndless(t *testing.T) {
	for elapsed := time.Duration(0); elapsed < 2*time.Minute; elapsed += 500 * time.Millisecond {
		flat := values(snapshotAt(t, fourShards(), elapsed, false))
		for _, command := range []string{"ping", "help", "stats"} {
			labels := `"cluster":"asia-0","command":"` + command + `"`
			within := flat[`discord_app_command_duration_seconds_bucket{`+labels+`,"le":"2.5"}`]
			if all := flat[`discord_app_command_duration_seconds_count{`+labels+`}`]; within != all {
				t.Fatalf("after %s %g of %g runs of %s took longer than 2.5 s", elapsed, all-within, all, command)
			}
		}
	}
}

func TestCommandsErrorsAndInteractionsAgree(t *testing.T) {
	sums := map[string]float64{}
	for name, value := range values(snapshotAt(t, fourShards(), 12*time.Hour, false)) {
		switch {
		case strings.HasPrefix(name, "discord_interactions_total") && strings.Contains(name, kindCommand):
			sums["received"] = value
		case strings.HasPrefix(name, "discord_app_commands_total"):
			sums["run"] += value
			if strings.Contains(name, `"error"`) {
				sums["failed"] += value
			}
		case strings.HasPrefix(name, "discord_command_errors_total"):
			sums["errors"] += value
		}
	}
	if sums["failed"] == 0 || sums["failed"] != sums["errors"] || sums["failed"]/sums["run"] > 0.02 {
		t.Errorf("%v: failed commands and errors must be equal, and few", sums)
	}
	if missing := sums["received"] - sums["run"]; missing < 0 || missing > 20 {
		t.Errorf("%v: %g commands got lost", sums, missing)
	}
}

func TestShardsConnectOneAfterTheOther(t *testing.T) {
	c := fourShards()
	c.connectDelay = 5 * time.Second
	c.down = map[int]bool{2: true}
	for elapsed, want := range map[time.Duration]map[string]float64{
		0:                {"0": 0, "1": 0, "2": 0, "3": 0},
		5 * time.Second:  {"0": 1, "1": 0, "2": 0, "3": 0},
		14 * time.Second: {"0": 1, "1": 1, "2": 0, "3": 0},
		time.Hour:        {"0": 1, "1": 1, "2": 0, "3": 1},
	} {
		snapshot := snapshotAt(t, c, elapsed, false)
		if diff := cmp.Diff(want, shardsUp(&snapshot)); diff != "" {
			t.Errorf("shards up after %s (-want +got):\n%s", elapsed, diff)
		}
		connected := 0.0
		for _, up := range want {
			connected += up
		}
		flat := values(snapshot)
		if got := flat[`discord_shards_connected{"cluster":"asia-0"}`]; got != connected {
			t.Errorf("%g shards connected after %s, want %g", got, elapsed, connected)
		}
		if got := len(snapshot.Metrics["discord_shard_latency_seconds"].Samples); got != int(connected) {
			t.Errorf("%d latencies after %s, want %g", got, elapsed, connected)
		}
		if guilds := flat[`discord_guilds{"cluster":"asia-0"}`]; math.Abs(guilds-1874*connected/4) > 10 {
			t.Errorf("%g guilds with %g of 4 shards", guilds, connected)
		}
	}
}

func TestTheSizeOfAHeartbeat(t *testing.T) {
	lean, full := fourShards(), fourShards()
	lean.commands = 0
	for name, tc := range map[string]struct {
		config   config
		process  bool
		from, to int
	}{
		"lean: no commands, no process metrics": {lean, false, 4 << 10, 6 << 10},
		"full: 20 commands and the process":     {full, true, 42 << 10, 54 << 10},
	} {
		body, err := json.Marshal(snapshotAt(t, tc.config, time.Hour, tc.process))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", name, len(body))
		if len(body) < tc.from || len(body) > tc.to {
			t.Errorf("%s: %d bytes, want %d to %d", name, len(body), tc.from, tc.to)
		}
	}
}

func TestNoLabelNamesAGuildAUserOrAChannel(t *testing.T) {
	for name, family := range snapshotAt(t, fourShards(), time.Hour, true).Metrics {
		for _, sample := range family.Samples {
			for label := range sample.Labels {
				if strings.Contains(label, "guild") || strings.Contains(label, "user") || strings.Contains(label, "channel") {
					t.Errorf("%s has the label %s", name, label)
				}
			}
		}
	}
}

// jumpClock is a clock whose sleeps are noted and over at once.
type jumpClock struct{ slept chan time.Duration }

func (jumpClock) Now() time.Time { return startOfTime() }

func (c jumpClock) Sleep(ctx context.Context, d time.Duration) error {
	c.slept <- d
	return ctx.Err()
}

func TestTheCrashWaitsByTheClockItIsGiven(t *testing.T) {
	clock := jumpClock{make(chan time.Duration, 1)}
	p := &process{config: config{crashAfter: time.Hour}, clock: clock}
	if err := p.crash(t.Context()); err == nil || err.Error() != "crashing after 1h0m0s, as --crash-after asks" {
		t.Errorf("error %v", err)
	}
	if d := <-clock.slept; d != time.Hour {
		t.Errorf("slept %s", d)
	}
}
