package source

import (
	"math"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// Keys of fleetapi.Metrics, as Missing lists them.
const (
	keyLatency      = "latency_seconds"
	keyShardsUp     = "shards_up"
	keyGuilds       = "guilds"
	keyCachedUsers  = "cached_users"
	keyInteractions = "interactions_rate"
	keyErrorRate    = "error_rate"
	keyDurationP95  = "duration_p95_seconds"
	keyRateLimits   = "ratelimits_rate"
	keyUptime       = "uptime_seconds"
)

// Values are the latest of one cluster.
type Values struct {
	Metrics fleetapi.Metrics
	// Missing lists the keys whose 0 means "not known", in the order of Metrics.
	Missing []string
	Shards  []fleetapi.Shard
	// At is when they arrived; zero when none have since the process registered.
	At time.Time
	// Oversized means that the latest snapshot was too large to be read.
	Oversized bool

	lifetime, windowed pair
	hasWindow          bool
}

// pair is what an error rate is the ratio of.
type pair struct{ errors, commands float64 }

func (p pair) ratio() (float64, bool) {
	if p.commands <= 0 {
		return 0, false
	}
	return finite(p.errors / p.commands), true
}

// NoValues are those of a cluster that has sent none.
func NoValues() Values {
	return Values{Shards: []fleetapi.Shard{}, Missing: []string{
		keyLatency, keyShardsUp, keyGuilds, keyCachedUsers, keyInteractions,
		keyErrorRate, keyDurationP95, keyRateLimits, keyUptime,
	}}
}

// derive turns the latest reading and the window it closed into values. With a
// single snapshot the error rate and the percentile are those of the process's
// life, and the rates are not known.
func derive(reading *Reading, w *window, at time.Time) Values {
	v := Values{Shards: reading.Shards, At: at}
	if v.Shards == nil {
		v.Shards = []fleetapi.Shard{}
	}
	c := reading.counters
	v.lifetime = pair{c.errors, c.commands}
	recent, ok := w.measure()
	v.hasWindow = ok
	ratio, duration := v.lifetime, c.duration
	if ok {
		v.windowed = pair{recent.errors, recent.commands}
		ratio, duration = v.windowed, recent.duration
	}
	set := func(to *float64, key string, value float64, known bool) {
		if !known {
			v.Missing = append(v.Missing, key)
			return
		}
		*to = finite(value)
	}
	m := &v.Metrics
	errorRate, hasErrorRate := ratio.ratio()
	p95, hasP95 := duration.quantile(0.95)
	set(&m.LatencySeconds, keyLatency, reading.latency.value, reading.latency.known)
	set(&m.ShardsUp, keyShardsUp, reading.shardsUp.value, reading.shardsUp.known)
	set(&m.Guilds, keyGuilds, reading.guilds.value, reading.guilds.known)
	set(&m.CachedUsers, keyCachedUsers, reading.cachedUsers.value, reading.cachedUsers.known)
	set(&m.InteractionsRate, keyInteractions, recent.interactions/recent.seconds, ok && c.hasInteractions)
	set(&m.ErrorRate, keyErrorRate, errorRate, hasErrorRate)
	set(&m.DurationP95Seconds, keyDurationP95, p95, hasP95)
	set(&m.RateLimitsRate, keyRateLimits, recent.rateLimits/recent.seconds, ok && c.hasRateLimits)
	set(&m.UptimeSeconds, keyUptime, reading.uptime.value, reading.uptime.known)
	return v
}

// Group adds up the values of clusters. The zero value is an empty group.
type Group struct {
	sums               fleetapi.Metrics
	windowed, lifetime pair
	hasWindow          bool
}

// Add takes a cluster into the group. One whose totals are beyond all bounds
// does not count in the error rate.
func (g *Group) Add(v Values) {
	m := &g.sums
	m.ShardsUp += v.Metrics.ShardsUp
	m.Guilds += v.Metrics.Guilds
	m.CachedUsers += v.Metrics.CachedUsers
	m.InteractionsRate += v.Metrics.InteractionsRate
	m.RateLimitsRate += v.Metrics.RateLimitsRate
	m.LatencySeconds = max(m.LatencySeconds, v.Metrics.LatencySeconds)
	m.DurationP95Seconds = max(m.DurationP95Seconds, v.Metrics.DurationP95Seconds)
	m.UptimeSeconds = max(m.UptimeSeconds, v.Metrics.UptimeSeconds)
	if windowed, ok := g.windowed.plus(v.windowed); ok {
		g.windowed, g.hasWindow = windowed, g.hasWindow || v.hasWindow
	}
	if lifetime, ok := g.lifetime.plus(v.lifetime); ok {
		g.lifetime = lifetime
	}
}

// Rollup is the values of the group: sums, maxima, and one error rate over
// everything that happened. An error rate over lifetimes is taken only when no
// cluster of the group has a window.
func (g *Group) Rollup() fleetapi.Metrics {
	m := g.sums
	used := g.lifetime
	if g.hasWindow {
		used = g.windowed
	}
	m.ErrorRate, _ = used.ratio()
	for _, sum := range []*float64{&m.ShardsUp, &m.Guilds, &m.CachedUsers, &m.InteractionsRate, &m.RateLimitsRate} {
		*sum = finite(*sum)
	}
	return m
}

// plus is false if the sum is not finite: what one cluster says must not undo
// what all the others do.
func (p pair) plus(q pair) (pair, bool) {
	sum := pair{p.errors + q.errors, p.commands + q.commands}
	return sum, finite(sum.errors) == sum.errors && finite(sum.commands) == sum.commands
}

// finite keeps replies valid JSON whatever a member claims.
func finite(value float64) float64 {
	switch {
	case math.IsNaN(value):
		return 0
	case math.IsInf(value, 1):
		return math.MaxFloat64
	case math.IsInf(value, -1):
		return -math.MaxFloat64
	}
	return value
}
