package source

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// maxShards bounds the shards that one cluster may report.
const maxShards = 4096

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

	names  names
	shards map[string]*shardReading
}

// counters are the lifetime totals of a process.
type counters struct {
	errors, commands, interactions, rateLimits float64
	// hasInteractions and hasRateLimits tell 0 from not reported.
	hasInteractions, hasRateLimits bool
	duration                       histogram
}

type shardReading struct {
	up      optional
	latency float64
}

// names are the samples that matter, with the prefix in front.
type names struct {
	shardLatency, shardUp, guilds, cachedUsers, uptime string
	errors, appCommands, commands                      string
	interactions, rateLimits, durationBucket           string
}

func newNames(prefix string) names {
	p := prefix + "_"
	return names{
		shardLatency: p + fleetapi.MetricShardLatency, shardUp: p + fleetapi.MetricShardUp,
		guilds: p + fleetapi.MetricGuilds, cachedUsers: p + fleetapi.MetricCachedUsers, uptime: p + fleetapi.MetricUptime,
		errors: p + fleetapi.MetricCommandErrors, appCommands: p + fleetapi.MetricAppCommands, commands: p + fleetapi.MetricCommands,
		interactions: p + fleetapi.MetricInteractions, rateLimits: p + fleetapi.MetricRateLimits,
		durationBucket: p + fleetapi.MetricAppCommandDuration + "_bucket",
	}
}

func newReading(prefix string) *Reading {
	return &Reading{names: newNames(prefix), shards: map[string]*shardReading{}}
}

// add takes one finite sample. Samples are told apart by their own names; what
// family they stand in does not matter.
func (r *Reading) add(name string, labels map[string]json.RawMessage, value float64) {
	c := &r.counters
	switch name {
	case r.names.shardLatency:
		r.latency.atLeast(value)
		if shard := r.shard(labels); shard != nil {
			shard.latency = value
		}
	case r.names.shardUp:
		r.shardsUp.plus(value)
		if shard := r.shard(labels); shard != nil {
			shard.up = optional{value, true}
		}
	case r.names.guilds:
		r.guilds.plus(value)
	case r.names.cachedUsers:
		r.cachedUsers.plus(value)
	case r.names.uptime:
		r.uptime.atLeast(value)
	case r.names.durationBucket:
		c.duration.add(Text(labels["le"]), value)
	default:
		r.addCounter(name, value)
	}
}

func (r *Reading) addCounter(name string, value float64) {
	c := &r.counters
	switch name {
	case r.names.errors:
		c.errors += value
	case r.names.appCommands, r.names.commands:
		c.commands += value
	case r.names.interactions:
		c.interactions += value
		c.hasInteractions = true
	case r.names.rateLimits:
		c.rateLimits += value
		c.hasRateLimits = true
	}
}

// family notes that a counter exists, even without a sample: before its first
// event a counter with labels has none. The name may or may not end in _total.
func (r *Reading) family(name string) {
	switch name = strings.TrimSuffix(name, "_total") + "_total"; name {
	case r.names.interactions:
		r.counters.hasInteractions = true
	case r.names.rateLimits:
		r.counters.hasRateLimits = true
	}
}

func (o *optional) atLeast(value float64) {
	if !o.known || value > o.value {
		*o = optional{value, true}
	}
}

func (o *optional) plus(value float64) { *o = optional{o.value + value, true} }

// shard returns the shard that the labels name, or nil.
func (r *Reading) shard(labels map[string]json.RawMessage) *shardReading {
	id := Text(labels["shard"])
	if string(labels["shard"]) == "0" {
		id = "0"
	}
	if id == "" {
		return nil
	}
	shard := r.shards[id]
	if shard == nil && len(r.shards) < maxShards {
		shard = &shardReading{}
		r.shards[id] = shard
	}
	return shard
}

// finish orders what was added and drops sums that overflowed.
func (r *Reading) finish() *Reading {
	for id, shard := range r.shards {
		status := fleetapi.StatusUp
		if shard.up.known && shard.up.value < 1 {
			status = fleetapi.StatusDown
		}
		r.Shards = append(r.Shards, fleetapi.Shard{ID: id, Status: status, LatencySeconds: shard.latency})
	}
	slices.SortFunc(r.Shards, func(a, b fleetapi.Shard) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	r.shards, r.names = nil, names{}
	for _, sum := range []*optional{&r.shardsUp, &r.guilds, &r.cachedUsers} {
		if math.IsInf(sum.value, 0) {
			*sum = optional{}
		}
	}
	c := &r.counters
	for _, total := range []*float64{&c.errors, &c.commands, &c.interactions, &c.rateLimits} {
		if math.IsInf(*total, 0) || *total < 0 {
			*total = 0
		}
	}
	c.duration.finish()
	return r
}

// parseBound reads a histogram's le label.
func parseBound(le string) (float64, bool) {
	bound, err := strconv.ParseFloat(le, 64) // knows "+Inf" and "Inf"
	return bound, err == nil && !math.IsNaN(bound)
}
