package source

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	// maxShards bounds the shards of one cluster that are listed, and maxShardID
	// the length of their ids, in bytes: every viewer gets them all.
	maxShards  = 512
	maxShardID = 16
	// maxCount is the largest counter that is believed. Beyond it a float64 does
	// not count single events, and what is summed up from it may overflow.
	maxCount = 1 << 53
)

// metric is a sample that matters, whatever family it stands in.
type metric int

const (
	otherMetric metric = iota
	shardLatency
	shardUp
	guilds
	cachedUsers
	uptime
	commandErrors
	commands
	interactions
	rateLimits
	durationBucket
)

// metricOf knows a sample by its name behind the prefix.
func metricOf(name []byte) metric {
	switch string(name) {
	case fleetapi.MetricShardLatency:
		return shardLatency
	case fleetapi.MetricShardUp:
		return shardUp
	case fleetapi.MetricGuilds:
		return guilds
	case fleetapi.MetricCachedUsers:
		return cachedUsers
	case fleetapi.MetricUptime:
		return uptime
	case fleetapi.MetricCommandErrors:
		return commandErrors
	case fleetapi.MetricAppCommands, fleetapi.MetricCommands:
		return commands
	case fleetapi.MetricInteractions:
		return interactions
	case fleetapi.MetricRateLimits:
		return rateLimits
	case fleetapi.MetricAppCommandDuration + "_bucket":
		return durationBucket
	}
	return otherMetric
}

// label is the one label of a metric that matters; "" for none.
func (m metric) label() string {
	switch m {
	case shardLatency, shardUp:
		return "shard"
	case durationBucket:
		return "le"
	}
	return ""
}

// optional is a value that a snapshot may not have.
type optional struct {
	value float64
	known bool
}

// Reading is what one snapshot says, in sums: no series is kept.
type Reading struct {
	latency, uptime               optional // maxima
	shardsUp, guilds, cachedUsers optional // sums
	counters                      counters
	// Shards are ordered by number.
	Shards []fleetapi.Shard

	// shards are as they came, until Shards are made of them. latest is the place
	// of the last one: samples list them in one order, so the next is mostly behind it.
	shards []shardReading
	latest int
}

// counters are the lifetime totals of a process.
type counters struct {
	errors, commands, interactions, rateLimits float64
	// hasInteractions and hasRateLimits tell 0 from not reported.
	hasInteractions, hasRateLimits bool
	duration                       histogram
}

// shardReading takes the worst of what is said of a shard, so that the order of
// samples does not matter.
type shardReading struct {
	id          string
	up, latency optional
}

// usualShards is how many one process mostly has room for.
const usualShards = 8

func newReading() *Reading { return &Reading{shards: make([]shardReading, 0, usualShards)} }

// add takes one finite sample with the label that matters.
func (r *Reading) add(m metric, label []byte, value float64) {
	c := &r.counters
	switch m {
	case shardLatency, shardUp:
		r.addShard(m, label, value)
	case guilds:
		r.guilds.plus(value)
	case cachedUsers:
		r.cachedUsers.plus(value)
	case uptime:
		r.uptime.atLeast(value)
	case commandErrors:
		c.errors += value
	case commands:
		c.commands += value
	case interactions:
		c.interactions += value
		c.hasInteractions = true
	case rateLimits:
		c.rateLimits += value
		c.hasRateLimits = true
	case durationBucket:
		c.duration.add(label, value)
	}
}

// listable says that a shard of this id may stand in a list.
func listable[Text []byte | string](id Text) bool { return len(id) > 0 && len(id) <= maxShardID }

// addShard takes what is said of a shard. One without an id counts in the sums
// alone, and so does one whose id is no number of a shard, or one too many.
func (r *Reading) addShard(m metric, id []byte, value float64) {
	shard := r.shard(id)
	if m == shardLatency {
		r.latency.atLeast(value)
		shard.latency.atLeast(value)
	} else {
		r.shardsUp.plus(value)
		shard.up.atMost(value)
	}
}

// shard finds or lists a shard. One that may not be listed is nobody's.
func (r *Reading) shard(id []byte) *shardReading {
	for i := range r.shards {
		at := (r.latest + 1 + i) % len(r.shards)
		if r.shards[at].id == string(id) {
			r.latest = at
			return &r.shards[at]
		}
	}
	if !listable(id) || len(r.shards) == maxShards {
		return &shardReading{}
	}
	r.latest = len(r.shards)
	r.shards = append(r.shards, shardReading{id: string(id)})
	return &r.shards[r.latest]
}

// family notes that a counter exists, even without a sample: before its first
// event a counter with labels has none. The name is the one behind the prefix
// and may or may not end in _total.
func (r *Reading) family(name []byte) {
	switch string(bytes.TrimSuffix(name, []byte("_total"))) {
	case strings.TrimSuffix(fleetapi.MetricInteractions, "_total"):
		r.counters.hasInteractions = true
	case strings.TrimSuffix(fleetapi.MetricRateLimits, "_total"):
		r.counters.hasRateLimits = true
	}
}

func (o *optional) atLeast(value float64) {
	if !o.known || value > o.value {
		*o = optional{value, true}
	}
}

func (o *optional) atMost(value float64) {
	if !o.known || value < o.value {
		*o = optional{value, true}
	}
}

func (o *optional) plus(value float64) { *o = optional{o.value + value, true} }

// settle makes a sum of counters a count again, and reports false for one that
// is beyond belief.
func settle(total *float64) bool {
	believed := *total <= maxCount
	if !believed || *total < 0 {
		*total = 0
	}
	return believed
}

// finish orders what was added and drops sums that overflowed.
func (r *Reading) finish() *Reading {
	r.Shards = make([]fleetapi.Shard, 0, len(r.shards))
	for _, shard := range r.shards {
		status := fleetapi.StatusUp
		if shard.up.known && shard.up.value < 1 {
			status = fleetapi.StatusDown
		}
		r.Shards = append(r.Shards, fleetapi.Shard{ID: shard.id, Status: status, LatencySeconds: shard.latency.value})
	}
	slices.SortFunc(r.Shards, func(a, b fleetapi.Shard) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	r.shards, r.latest = nil, 0
	for _, sum := range []*optional{&r.shardsUp, &r.guilds, &r.cachedUsers} {
		if math.IsInf(sum.value, 0) {
			*sum = optional{}
		}
	}
	c := &r.counters
	errorsBelieved, commandsBelieved := settle(&c.errors), settle(&c.commands)
	if !errorsBelieved || !commandsBelieved {
		c.errors, c.commands = 0, 0 // either alone would make a false rate
	}
	c.hasInteractions = settle(&c.interactions) && c.hasInteractions
	c.hasRateLimits = settle(&c.rateLimits) && c.hasRateLimits
	c.duration.finish()
	return r
}

// parseBound reads a histogram's le label.
func parseBound(le string) (float64, bool) {
	bound, err := strconv.ParseFloat(le, 64) // knows "+Inf" and "Inf"
	return bound, err == nil && !math.IsNaN(bound)
}
