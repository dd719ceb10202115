package source

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestOneSnapshotGivesSumsMaximaAndLifetimeRatios(t *testing.T) {
	lines := append([]line{
		{"shard_latency_seconds", `"shard": "0"`, "0.1"},
		{"shard_latency_seconds", `"shard": "1"`, "0.3"},
		{"shard_up", `"shard": "0"`, "1"},
		{"shard_up", `"shard": "1"`, "1"},
		{"guilds", `"cluster": "a"`, "10"},
		{"guilds", `"cluster": "b"`, "5"},
		{"cached_users", ``, "900"},
		{"uptime_seconds", ``, "77"},
		{"command_errors_total", `"command": "x"`, "3"},
		{"app_commands_total", `"command": "x"`, "20"},
		{"commands_total", `"command": "y"`, "10"},
		{"interactions_total", ``, "50"},
		{"ratelimits_total", ``, "2"},
	}, buckets("0.05", 10, "0.1", 50, "0.5", 90, "1.0", 99, "2.5", 100, "+Inf", 100)...)
	got := newPusher(t).push(0, lines...)
	want := fleetapi.Metrics{
		LatencySeconds: 0.3, ShardsUp: 2, Guilds: 15, CachedUsers: 900, UptimeSeconds: 77,
		ErrorRate:          0.1,
		DurationP95Seconds: 0.5 + 0.5*5/9, // the 95th of 100 is the 5th of 9 between 0.5 and 1
	}
	if diff := cmp.Diff(want, got.Metrics, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("metrics (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{keyInteractions, keyRateLimits}, got.Missing); diff != "" {
		t.Errorf("missing (-want +got)\n%s", diff)
	}
	if got.At.IsZero() {
		t.Error("values have no time")
	}
}

func TestValuesThatAreNotThereAreMissingAndNot0(t *testing.T) {
	for name, tc := range map[string]struct {
		lines   []line
		present []string // keys that are known
	}{
		"nothing":                        {nil, nil},
		"a latency that is infinite":     {[]line{{"shard_latency_seconds", `"shard": "0"`, "Infinity"}}, nil},
		"a number in quotes":             {[]line{{"guilds", ``, `"12"`}}, []string{keyGuilds}},
		"a value too large for a float":  {[]line{{"guilds", ``, "1e999"}}, nil},
		"an integer with 400 digits":     {[]line{{"guilds", ``, "1" + string(slices.Repeat([]byte("0"), 400))}}, nil},
		"null and a list":                {[]line{{"guilds", ``, "null"}, {"uptime_seconds", ``, "[1]"}}, nil},
		"sums that overflow":             {[]line{{"guilds", ``, "1e308"}, {"guilds", ``, "1e308"}}, nil},
		"another prefix":                 {[]line{{"x_guilds", ``, "1"}}, nil},
		"zero is a value":                {[]line{{"guilds", ``, "0"}}, []string{keyGuilds}},
		"commands without errors":        {[]line{{"app_commands_total", ``, "5"}}, []string{keyErrorRate}},
		"commands that nobody has used":  {[]line{{"app_commands_total", ``, "0"}}, nil},
		"a histogram without durations":  {buckets("1.0", 0, "+Inf", 0), nil},
		"a histogram with an odd bound":  {buckets("x", 3, "NaN", 3), nil},
		"a histogram with negative ones": {buckets("1.0", -3, "+Inf", -3), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := newPusher(t).push(0, tc.lines...)
			var want []string
			for _, key := range NoValues().Missing {
				if !slices.Contains(tc.present, key) {
					want = append(want, key)
				}
			}
			if diff := cmp.Diff(want, got.Missing); diff != "" {
				t.Errorf("missing (-want +got)\n%s", diff)
			}
			if _, err := json.Marshal(got.Metrics); err != nil {
				t.Errorf("not finite: %v", err)
			}
		})
	}
}

func TestShards(t *testing.T) {
	got := newPusher(t).push(0,
		line{"shard_up", `"shard": "10"`, "1"},
		line{"shard_up", `"shard": "2"`, "0"},
		line{"shard_latency_seconds", `"shard": "2"`, "0.2"},
		line{"shard_latency_seconds", `"shard": "9"`, "0.9"},
		line{"shard_up", `"shard": 3`, "1"},
		line{"shard_up", `"shard": 0`, "1"},
		line{"shard_up", `"shard": ["x"]`, "1"},
		line{"shard_up", ``, "1"},
	).Shards
	want := []fleetapi.Shard{
		{ID: "0", Status: "up"},
		{ID: "2", Status: "down", LatencySeconds: 0.2},
		{ID: "3", Status: "up"},
		{ID: "9", Status: "up", LatencySeconds: 0.9},
		{ID: "10", Status: "up"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestShardsAreListedWithinBounds(t *testing.T) {
	lines := []line{
		{"shard_up", `"shard": "` + strings.Repeat("1", maxShardID) + `"`, "1"},
		{"shard_up", `"shard": "` + strings.Repeat("1", maxShardID+1) + `"`, "1"},
	}
	for i := range maxShards + 5 {
		lines = append(lines, line{"shard_up", fmt.Sprintf(`"shard": "%d"`, i), "1"})
	}
	got := newPusher(t).push(0, lines...)
	if len(got.Shards) != maxShards || len(got.Shards[maxShards-1].ID) != maxShardID {
		t.Errorf("%d shards are listed, the last one as %q; want %d with the longest id that is allowed",
			len(got.Shards), got.Shards[len(got.Shards)-1].ID, maxShards)
	}
	if want := float64(len(lines)); got.Metrics.ShardsUp != want {
		t.Errorf("%v shards are counted as up, want all %v", got.Metrics.ShardsUp, want)
	}
}

// TestCountersBeyondBeliefAreMissing: with them, running totals and the sums of
// groups would overflow, and everybody's error rate with them.
func TestCountersBeyondBeliefAreMissing(t *testing.T) {
	const huge = "1.7e308"
	p := newPusher(t)
	sane := append(totals(1, 4, 40, 4), buckets("1.0", 10, "+Inf", 10)...)
	p.push(0, sane...)
	for i := range 3 {
		got := p.push(15,
			line{"command_errors_total", ``, huge}, line{"app_commands_total", ``, huge}, line{"interactions_total", ``, huge}, line{"ratelimits_total", ``, huge},
			line{"app_command_duration_seconds_bucket", `"le": "+Inf"`, huge}, line{"app_command_duration_seconds_bucket", `"le": "1.0"`, huge})
		for _, key := range []string{keyErrorRate, keyInteractions, keyRateLimits, keyDurationP95} {
			believable := i > 0 && key == keyErrorRate // there has been a command
			if !believable && !slices.Contains(got.Missing, key) {
				t.Errorf("%s is known from what nobody believes: %+v", key, got.Metrics)
			}
		}
		p.push(15, line{"app_commands_total", ``, "1"})
	}
	var group Group
	group.Add(p.p.Values("a"))
	sum := group.windowed.errors + group.windowed.commands + group.lifetime.errors + group.lifetime.commands
	if finite(sum) != sum || sum > 100 {
		t.Errorf("the totals of a group with such a cluster are %+v and %+v", group.windowed, group.lifetime)
	}
	half := newPusher(t).push(0, line{"command_errors_total", ``, "1e16"}, line{"app_commands_total", ``, "5"})
	if !slices.Contains(half.Missing, keyErrorRate) {
		t.Errorf("an error rate of %v from half a pair", half.Metrics.ErrorRate)
	}
}

func TestQuantile(t *testing.T) {
	inf := math.Inf(1)
	for name, tc := range map[string]struct {
		buckets []bucket
		want    float64
		ok      bool
	}{
		"within a bucket it is interpolated":             {[]bucket{{1, 0}, {2, 100}, {inf, 100}}, 1.95, true},
		"in the first bucket it is interpolated from 0":  {[]bucket{{1, 100}, {inf, 100}}, 0.95, true},
		"in the last bucket it is the highest finite":    {[]bucket{{1, 1}, {10, 2}, {inf, 100}}, 10, true},
		"without an infinite bucket the last one counts": {[]bucket{{1, 0}, {2, 10}}, 1.95, true},
		"no observations":               {[]bucket{{1, 0}, {inf, 0}}, 0, false},
		"no buckets":                    {nil, 0, false},
		"one bucket alone says nothing": {[]bucket{{inf, 5}}, 0, false},
		"a first bucket that ends at 0 is not interpolated": {[]bucket{{0, 100}, {1, 100}, {inf, 100}}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := histogram{buckets: tc.buckets}
			got, ok := h.quantile(0.95)
			if math.Abs(got-tc.want) > 1e-12 || ok != tc.ok {
				t.Errorf("%v %v, want %v %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestRollup(t *testing.T) {
	values := func(m fleetapi.Metrics, lifetime pair, windowed *pair) Values {
		v := Values{Metrics: m, lifetime: lifetime}
		if windowed != nil {
			v.windowed, v.hasWindow = *windowed, true
		}
		return v
	}
	for name, tc := range map[string]struct {
		clusters []Values
		want     fleetapi.Metrics
	}{
		"nothing is zeros": {nil, fleetapi.Metrics{}},
		"sums, maxima and the lifetime ratio of all": {
			[]Values{
				values(fleetapi.Metrics{Guilds: 10, ShardsUp: 1, LatencySeconds: 0.1, UptimeSeconds: 5, CachedUsers: 1, InteractionsRate: 2}, pair{1, 10}, nil),
				values(fleetapi.Metrics{Guilds: 5, ShardsUp: 2, LatencySeconds: 0.3, DurationP95Seconds: 4, RateLimitsRate: 1, InteractionsRate: 3}, pair{9, 90}, nil),
			},
			fleetapi.Metrics{Guilds: 15, ShardsUp: 3, LatencySeconds: 0.3, UptimeSeconds: 5, CachedUsers: 1, DurationP95Seconds: 4, RateLimitsRate: 1, InteractionsRate: 5, ErrorRate: 0.1},
		},
		"one window makes lifetimes count no more": {
			[]Values{values(fleetapi.Metrics{}, pair{50, 100}, nil), values(fleetapi.Metrics{}, pair{50, 100}, &pair{1, 4})},
			fleetapi.Metrics{ErrorRate: 0.25},
		},
		"a window without traffic is 0, not the lifetime": {
			[]Values{values(fleetapi.Metrics{}, pair{50, 100}, &pair{})},
			fleetapi.Metrics{},
		},
		"what overflows leaves the others' ratio alone": {
			[]Values{
				values(fleetapi.Metrics{}, pair{}, &pair{1, 4}),
				values(fleetapi.Metrics{}, pair{}, &pair{1, math.MaxFloat64}),
				values(fleetapi.Metrics{}, pair{}, &pair{1, math.MaxFloat64}),
				values(fleetapi.Metrics{}, pair{}, &pair{math.NaN(), 1}),
				values(fleetapi.Metrics{}, pair{}, &pair{math.Inf(1), math.Inf(1)}),
				values(fleetapi.Metrics{}, pair{}, &pair{math.MaxFloat64, 1}),
			},
			fleetapi.Metrics{ErrorRate: 1},
		},
		"an overflow stays finite": {
			[]Values{values(fleetapi.Metrics{Guilds: math.MaxFloat64}, pair{}, nil), values(fleetapi.Metrics{Guilds: math.MaxFloat64}, pair{}, nil)},
			fleetapi.Metrics{Guilds: math.MaxFloat64},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var group Group
			for _, cluster := range tc.clusters {
				group.Add(cluster)
			}
			if diff := cmp.Diff(tc.want, group.Rollup()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
