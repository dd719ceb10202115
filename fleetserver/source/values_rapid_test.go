package source_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

// report is what a process says of itself at one moment, in whole numbers, so
// that sums are exact.
type report struct {
	errors, commands, interactions, rateLimits int
	guilds, users, shards                      int
	latency, uptime                            int
	buckets                                    map[float64]int // cumulative
}

// heartbeat is the report as a member sends it, its counters spread over series.
func (r report) heartbeat(t *rapid.T) *source.Reading {
	snapshot := fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{}}
	add := func(name string, value int, labels ...string) {
		family := snapshot.Metrics[prefix+name]
		sample := fleetapi.Sample{Name: prefix + name, Value: float64(value), Labels: map[string]string{}}
		for i := 0; i+1 < len(labels); i += 2 {
			sample.Labels[labels[i]] = labels[i+1]
		}
		family.Samples = append(family.Samples, sample)
		snapshot.Metrics[prefix+name] = family
	}
	spread := func(name string, value int, labels ...string) {
		part := rapid.IntRange(0, value).Draw(t, "part of "+name)
		add(name, part, append(slices.Clone(labels), "command", "x")...)
		add(name, value-part, append(slices.Clone(labels), "command", "y")...)
	}
	spread(fleetapi.MetricCommandErrors, r.errors)
	spread(fleetapi.MetricAppCommands, r.commands)
	add(fleetapi.MetricInteractions, r.interactions)
	add(fleetapi.MetricRateLimits, r.rateLimits)
	add(fleetapi.MetricGuilds, r.guilds)
	add(fleetapi.MetricCachedUsers, r.users)
	add(fleetapi.MetricUptime, r.uptime)
	for shard := range r.shards {
		add(fleetapi.MetricShardUp, 1, "shard", strconv.Itoa(shard))
		add(fleetapi.MetricShardLatency, r.latency, "shard", strconv.Itoa(shard))
	}
	for bound, count := range r.buckets {
		le := strconv.FormatFloat(bound, 'g', -1, 64)
		spread(fleetapi.MetricAppCommandDuration+"_bucket", count, "le", le)
	}
	body, err := json.Marshal(fleetapi.HeartbeatRequest{Identity: "a", Snapshot: &snapshot})
	if err != nil {
		t.Fatal(err)
	}
	beat, err := source.DecodeHeartbeat(body, fleetapi.DefaultMetricPrefix)
	if err != nil || beat.Reading == nil {
		t.Fatalf("decoding %s: %v", body, err)
	}
	return beat.Reading
}

// cluster is a process that reports a few times, and what its values must be.
type cluster struct {
	last             report
	errors, commands int // in the window
	windowed         bool
	values           source.Values
}

func drawCluster(t *rapid.T) cluster {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	push := source.NewPush(func() time.Time { return at })
	var c cluster
	reports := rapid.IntRange(0, 3).Draw(t, "reports")
	for i := range reports {
		next := report{
			guilds: rapid.IntRange(0, 1e6).Draw(t, "guilds"), users: rapid.IntRange(0, 1e9).Draw(t, "users"), shards: rapid.IntRange(0, 8).Draw(t, "shards"),
			latency: rapid.IntRange(0, 100).Draw(t, "latency"), uptime: rapid.IntRange(0, 1e7).Draw(t, "uptime"),
		}
		errors, commands := rapid.IntRange(0, 50).Draw(t, "errors"), rapid.IntRange(0, 1000).Draw(t, "commands")
		next.errors, next.commands = c.last.errors+errors, c.last.commands+commands
		if i > 0 {
			c.errors, c.commands, c.windowed = c.errors+errors, c.commands+commands, true
		}
		at = at.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second)
		push.Observe("a", 1, next.heartbeat(t))
		c.last = next
	}
	c.values = push.Values("a")
	return c
}

func TestRollUpsAreSumsMaximaAndOneRatio(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clusters := rapid.SliceOfN(rapid.Custom(drawCluster), 0, 6).Draw(t, "clusters")
		var group source.Group
		var want fleetapi.Metrics
		var errors, commands, lifeErrors, lifeCommands int
		windowed := false
		for _, c := range clusters {
			group.Add(c.values)
			want.Guilds += float64(c.last.guilds)
			want.CachedUsers += float64(c.last.users)
			want.ShardsUp += float64(c.last.shards)
			if c.last.shards > 0 {
				want.LatencySeconds = max(want.LatencySeconds, float64(c.last.latency))
			}
			want.UptimeSeconds = max(want.UptimeSeconds, float64(c.last.uptime))
			errors, commands, windowed = errors+c.errors, commands+c.commands, windowed || c.windowed
			lifeErrors, lifeCommands = lifeErrors+c.last.errors, lifeCommands+c.last.commands
		}
		if !windowed {
			errors, commands = lifeErrors, lifeCommands
		}
		if commands > 0 {
			want.ErrorRate = float64(errors) / float64(commands)
		}
		if got := group.Rollup(); got != want {
			t.Fatalf("rolled up to %+v, want %+v", got, want)
		}
	})
}

// Bounds of other sizes and signs than those that bots use, too.
func TestThePercentileIsHistogramQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bounds := rapid.SliceOfNDistinct(rapid.IntRange(-4, 40), 0, 10, rapid.ID[int]).Draw(t, "bounds")
		slices.Sort(bounds)
		r, plain, count := report{buckets: map[float64]int{}}, map[float64]float64{}, 0
		for _, bound := range append(bounds, math.MaxInt32) {
			upper := float64(bound) / 4
			if bound == math.MaxInt32 {
				upper = math.Inf(1)
			}
			count += rapid.IntRange(0, 30).Draw(t, "observations")
			r.buckets[upper], plain[upper] = count, float64(count)
		}
		got, want := valuesOf(r.heartbeat(t)), quantileOf(0.95, plain)
		missing := slices.Contains(got.Missing, "duration_p95_seconds")
		switch p95 := got.Metrics.DurationP95Seconds; {
		case missing != math.IsNaN(want):
			t.Fatalf("missing %t, want %v", missing, want)
		case missing && p95 != 0:
			t.Fatalf("missing, and yet %v", p95)
		case !missing && math.Abs(p95-want) > 1e-9:
			t.Fatalf("%v, want %v", p95, want)
		}
	})
}

// moment is a report and when it came; seconds since the first one.
type moment struct {
	second                   int
	interactions, rateLimits int
}

// drawLife draws reports at least some seconds apart, whose counters begin again now and then.
func drawLife(t *rapid.T, leastApart int) []moment {
	life := []moment{{0, rapid.IntRange(0, 1e6).Draw(t, "interactions"), rapid.IntRange(0, 1000).Draw(t, "rate limits")}}
	for range rapid.IntRange(1, 40).Draw(t, "more reports") {
		before := life[len(life)-1]
		next := moment{before.second + rapid.IntRange(leastApart, 90).Draw(t, "apart"), before.interactions, before.rateLimits}
		if rapid.IntRange(0, 7).Draw(t, "restarts at 0") == 0 {
			next.interactions, next.rateLimits = 0, 0
		}
		next.interactions += rapid.IntRange(0, 5000).Draw(t, "new interactions")
		next.rateLimits += rapid.IntRange(0, 50).Draw(t, "new rate limits")
		life = append(life, next)
	}
	return life
}

// happened is what is known to have happened between two reports: a sum that
// fell began again at 0.
func happened(before, now int) int {
	if now < before {
		return now
	}
	return now - before
}

func observe(t *rapid.T, life []moment) source.Values {
	var second int
	start := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	push := source.NewPush(func() time.Time { return start.Add(time.Duration(second) * time.Second) })
	for _, m := range life {
		second = m.second
		push.Observe("a", 1, report{interactions: m.interactions, rateLimits: m.rateLimits}.heartbeat(t))
	}
	return push.Values("a")
}

// Members beat every 15 s: then the window begins at the last report that is
// five minutes old, or at the first there is.
func TestRatesAreWhatHappenedSinceTheWindowsBegin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := drawLife(t, 15)
		last := len(life) - 1
		begin := 0
		for i := range last {
			if life[last].second-life[i].second >= 300 {
				begin = i
			}
		}
		var interactions, rateLimits int
		for i := begin; i < last; i++ {
			interactions += happened(life[i].interactions, life[i+1].interactions)
			rateLimits += happened(life[i].rateLimits, life[i+1].rateLimits)
		}
		seconds := float64(life[last].second - life[begin].second)
		got := observe(t, life).Metrics
		wanted(t, "interactions rate", got.InteractionsRate, float64(interactions)/seconds)
		wanted(t, "rate limits rate", got.RateLimitsRate, float64(rateLimits)/seconds)
	})
}

// However often a member beats, its rate is an average of what it did.
func TestARateIsNeverOutsideOfWhatHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := drawLife(t, 1)
		lowest, highest := math.Inf(1), 0.0
		for i := range len(life) - 1 {
			rate := float64(happened(life[i].interactions, life[i+1].interactions)) / float64(life[i+1].second-life[i].second)
			lowest, highest = min(lowest, rate), max(highest, rate)
		}
		got := observe(t, life).Metrics.InteractionsRate
		if got < lowest-1e-9*highest || got > highest*(1+1e-9) {
			t.Fatalf("rate %v is not within %v and %v", got, lowest, highest)
		}
	})
}

func wanted(t *rapid.T, what string, got, want float64) {
	if math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Fatal(fmt.Sprintf("%s is %v, want %v", what, got, want))
	}
}
