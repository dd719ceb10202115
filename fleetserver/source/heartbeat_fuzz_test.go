package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

// FuzzHeartbeatMeaning holds the decoder, and what is derived from a reading,
// to the reference that encoding/json gives, for every body that is JSON.
func FuzzHeartbeatMeaning(f *testing.F) {
	f.Add([]byte(`{"identity": "a", "lease": "l", "snapshot": {"metrics": {"discord_guilds": {"type": "gauge", "samples": [{"name": "discord_guilds", "labels": {}, "value": 7.0}]}}}}`))
	f.Add([]byte(`{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_command_errors_total", "value": 1e16}, {"name": "discord_commands_total", "value": 5}, {"name": "discord_shard_up", "labels": {"shard": "12345678901234567"}, "value": 1}]}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := source.DecodeHeartbeat(body, fleetapi.DefaultMetricPrefix)
		if !json.Valid(body) || !utf8.Valid(body) || depthOf(body) > 32 {
			return // Python's extensions, and what is refused for other reasons than its meaning
		}
		if isObject := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")); !isObject {
			if !errors.Is(err, source.ErrNotObject) {
				t.Fatalf("what is no object gives %v", err)
			}
			return
		}
		if err != nil {
			t.Fatalf("valid JSON is refused: %v", err)
		}
		want := meaningOf(body)
		if got.Identity != want.identity || got.Lease != want.lease || (got.Reading != nil) != (want.snapshot != nil) {
			t.Fatalf("identity %q lease %q snapshot %t, want %q %q %t", got.Identity, got.Lease, got.Reading != nil, want.identity, want.lease, want.snapshot != nil)
		}
		if got.Reading != nil && !want.snapshot.tooMuchToRecall {
			compareValues(t, *want.snapshot, valuesOf(got.Reading))
		}
	})
}

// depthOf is how deep brackets nest in valid JSON.
func depthOf(body []byte) int {
	decoder := json.NewDecoder(bytes.NewReader(body))
	depth, deepest := 0, 0
	for {
		token, err := decoder.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

func valuesOf(reading *source.Reading) source.Values {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	push := source.NewPush(func() time.Time { return at })
	push.Observe("a", 1, reading)
	return push.Values("a")
}

// compareValues compares the values after one snapshot, when rates are not known.
func compareValues(t *testing.T, want snapshotMeaning, got source.Values) {
	t.Helper()
	if diff := cmp.Diff(want.shardList(), got.Shards); diff != "" {
		t.Fatalf("shards (-want +got)\n%s", diff)
	}
	missing := map[string]bool{}
	for _, key := range got.Missing {
		missing[key] = true
	}
	c := comparison{t, missing}
	m := got.Metrics
	c.check("latency_seconds", m.LatencySeconds, want.latency.value, 0, want.latency.known)
	c.check("uptime_seconds", m.UptimeSeconds, want.uptime.value, 0, want.uptime.known)
	c.checkSum("shards_up", m.ShardsUp, want.shardsUp)
	c.checkSum("guilds", m.Guilds, want.guilds)
	c.checkSum("cached_users", m.CachedUsers, want.users)
	c.check("interactions_rate", m.InteractionsRate, 0, 0, false)
	c.check("ratelimits_rate", m.RateLimitsRate, 0, 0, false)
	if _, hasEnd := want.buckets[math.Inf(1)]; hasEnd && sumOf(want.buckets) < 1e300 {
		p95 := quantileOf(0.95, want.buckets)
		c.check("duration_p95_seconds", m.DurationP95Seconds, p95, 1e-6*math.Abs(p95), !math.IsNaN(p95))
	}
	if want.errors.exact() && want.commands.exact() {
		ratio := max(want.errors.sum, 0) / want.commands.sum
		believed := want.errors.sum <= believable && want.commands.sum <= believable
		c.check("error_rate", m.ErrorRate, ratio, 1e-9*ratio, believed && want.commands.sum > 0)
	}
}

// comparison compares values by key; missing are the keys said to be so.
type comparison struct {
	t       *testing.T
	missing map[string]bool
}

func (c comparison) check(key string, got, want, tolerance float64, known bool) {
	c.t.Helper()
	if c.missing[key] == known {
		c.t.Fatalf("%s: missing %t, want %t", key, c.missing[key], !known)
	}
	if known && !near(got, want, tolerance) || !known && got != 0 {
		c.t.Fatalf("%s = %v, want %v (known %t)", key, got, want, known)
	}
}

func (c comparison) checkSum(key string, got float64, want total) {
	c.t.Helper()
	if want.size < 1e300 { // beyond it a sum can overflow in one order and not in another
		c.check(key, got, want.sum, 1e-9*want.size, want.known)
	}
}

// exact says that nothing cancels out, so that a ratio of sums is well defined.
func (t total) exact() bool {
	return t.size < 1e150 && math.Abs(t.sum) == t.size && (t.size > 1e-150 || t.size == 0)
}

func sumOf(buckets map[float64]float64) float64 {
	sum := 0.0
	for bound, count := range buckets {
		if math.Abs(bound) > 1e150 && !math.IsInf(bound, 1) || count > 0 && count < 1e-150 {
			return math.Inf(1) // interpolation is a matter of rounding here
		}
		sum += count
	}
	return sum
}

func near(a, b, tolerance float64) bool {
	return a == b || math.Abs(a-b) <= math.Abs(tolerance)+1e-300
}
