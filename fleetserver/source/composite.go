package source

import (
	"cmp"
	"slices"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// Composite joins what Prometheus knows with what members push. A value that
// Prometheus lacks, of a cluster or of one of its shards, is the pushed one.
type Composite struct {
	prometheus *Prometheus // nil without one
	push       *Push
}

// NewComposite joins both sources; prometheus may be nil. Close closes it.
func NewComposite(prometheus *Prometheus, push *Push) *Composite {
	return &Composite{prometheus, push}
}

// Latest returns the values of one moment, as a function of the identity. It
// may wait for Prometheus, though not longer than ten seconds, and never while
// Prometheus has last been slow or down. Slices in the values are shared: they
// are never written to.
func (c *Composite) Latest() func(identity string) Values {
	if c.prometheus == nil {
		return c.push.Values
	}
	clusters := c.prometheus.clusters()
	return func(identity string) Values {
		pushed := c.push.Values(identity)
		if known := clusters[identity]; known != nil {
			return known.over(pushed)
		}
		return pushed
	}
}

// Expires is when values that were taken at a moment may be outdated although
// nobody has pushed since; zero without Prometheus.
func (c *Composite) Expires(taken time.Time) time.Time {
	if c.prometheus == nil {
		return time.Time{}
	}
	return taken.Add(c.prometheus.options.Window)
}

// Close ends what is under way.
func (c *Composite) Close() {
	if c.prometheus != nil {
		c.prometheus.Close()
	}
}

// over lays what Prometheus knows over pushed values. Their time stays that of
// the push: it says since when the present process has been heard, and what
// Prometheus holds may still be its forerunner's.
func (c *polled) over(pushed Values) Values {
	v := pushed
	v.Missing = nil
	set := func(to *float64, key string, known optional) {
		switch {
		case known.known:
			*to = finite(known.value)
		case slices.Contains(pushed.Missing, key):
			v.Missing = append(v.Missing, key)
		}
	}
	var errorRate optional
	if window, ok := c.commands(); ok {
		v.windowed, v.hasWindow = window, true
		errorRate.value, errorRate.known = window.ratio()
	}
	m := &v.Metrics
	set(&m.LatencySeconds, keyLatency, c.latency)
	set(&m.ShardsUp, keyShardsUp, c.shardsUp)
	set(&m.Guilds, keyGuilds, c.guilds)
	set(&m.CachedUsers, keyCachedUsers, c.cachedUsers)
	set(&m.InteractionsRate, keyInteractions, c.interactions)
	set(&m.ErrorRate, keyErrorRate, errorRate)
	set(&m.DurationP95Seconds, keyDurationP95, c.p95)
	set(&m.RateLimitsRate, keyRateLimits, c.rateLimits)
	set(&m.UptimeSeconds, keyUptime, c.uptime)
	v.Shards = c.shardsOver(pushed.Shards)
	return v
}

// shardsOver lays the shards that Prometheus knows over the pushed ones. A
// shard of which neither knows whether it is up is down.
func (c *polled) shardsOver(pushed []fleetapi.Shard) []fleetapi.Shard {
	if len(c.shards) == 0 {
		return pushed
	}
	shards := slices.Clone(pushed)
	seen := make(map[string]bool, len(shards))
	for i := range shards {
		seen[shards[i].ID] = true
		if known := c.shards[shards[i].ID]; known != nil {
			known.over(&shards[i])
		}
	}
	for id, known := range c.shards {
		if !seen[id] {
			shard := fleetapi.Shard{ID: id, Status: fleetapi.StatusDown}
			known.over(&shard)
			shards = append(shards, shard)
		}
	}
	slices.SortFunc(shards, func(a, b fleetapi.Shard) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return shards
}

func (s *polledShard) over(shard *fleetapi.Shard) {
	if s.up.known {
		shard.Status = fleetapi.StatusDown
		if s.up.value >= 1 {
			shard.Status = fleetapi.StatusUp
		}
	}
	if s.latency.known {
		shard.LatencySeconds = s.latency.value
	}
}
