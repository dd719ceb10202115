package source_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// This file says in the plainest way what a heartbeat means: everything is
// decoded by encoding/json and looked at one thing after the other. The tests
// hold the real decoder and the real values to it.

const prefix = fleetapi.DefaultMetricPrefix + "_"

const (
	// believable is the largest counter that counts.
	believable = 1 << 53
	// longestID is how long the id of a shard that is listed can be.
	longestID = 16
)

// meaning is what one heartbeat says.
type meaning struct {
	identity, lease string
	// snapshot is nil when there is none to read.
	snapshot *snapshotMeaning
}

type snapshotMeaning struct {
	latency, uptime                                 maximum
	shardsUp, guilds, users                         total
	errors, commands                                total
	interactions, rateLimits                        total
	buckets                                         map[float64]float64
	shards                                          map[string]*shardMeaning
	hasInteractions, hasRateLimits, tooMuchToRecall bool
}

type maximum struct {
	value float64
	known bool
}

func (m *maximum) take(value float64) {
	if !m.known || value > m.value {
		*m = maximum{value, true}
	}
}

// total is a sum; size is that of the absolute values, which bounds how far two
// orders of adding up can be apart.
type total struct {
	sum, size float64
	known     bool
}

func (t *total) take(value float64) { *t = total{t.sum + value, t.size + math.Abs(value), true} }

type shardMeaning struct {
	up      float64
	saysUp  bool
	latency maximum
}

// meaningOf reads a body that is valid JSON and an object.
func meaningOf(body []byte) meaning {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&fields) != nil {
		return meaning{}
	}
	m := meaning{identity: textOf(fields["identity"], false), lease: textOf(fields["lease"], false)}
	snapshot, ok := fields["snapshot"].(map[string]any)
	if !ok {
		return m
	}
	families, ok := snapshot["metrics"].(map[string]any)
	if !ok && snapshot["metrics"] != nil {
		return m
	}
	m.snapshot = &snapshotMeaning{buckets: map[float64]float64{}, shards: map[string]*shardMeaning{}}
	for name, family := range families {
		if family, ok := family.(map[string]any); ok {
			m.snapshot.family(name, family)
		}
	}
	return m
}

// textOf is how Python's str() is met: see source.Text.
func textOf(value any, label bool) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
	case json.Number:
		if number, err := v.Float64(); err != nil || number != 0 || (label && v == "0") {
			return v.String()
		}
	}
	return ""
}

func (s *snapshotMeaning) family(name string, family map[string]any) {
	switch strings.TrimSuffix(name, "_total") {
	case prefix + strings.TrimSuffix(fleetapi.MetricInteractions, "_total"):
		s.hasInteractions = true
	case prefix + strings.TrimSuffix(fleetapi.MetricRateLimits, "_total"):
		s.hasRateLimits = true
	}
	samples, _ := family["samples"].([]any)
	for _, sample := range samples {
		if sample, ok := sample.(map[string]any); ok {
			s.sample(sample)
		}
	}
}

func (s *snapshotMeaning) sample(sample map[string]any) {
	name, _ := sample["name"].(string)
	value, ok := numberOf(sample["value"])
	if !ok {
		return
	}
	labels, _ := sample["labels"].(map[string]any)
	switch name {
	case prefix + fleetapi.MetricShardLatency, prefix + fleetapi.MetricShardUp:
		s.shard(textOf(labels["shard"], true), name == prefix+fleetapi.MetricShardUp, value)
	case prefix + fleetapi.MetricGuilds:
		s.guilds.take(value)
	case prefix + fleetapi.MetricCachedUsers:
		s.users.take(value)
	case prefix + fleetapi.MetricUptime:
		s.uptime.take(value)
	case prefix + fleetapi.MetricCommandErrors:
		s.errors.take(value)
	case prefix + fleetapi.MetricAppCommands, prefix + fleetapi.MetricCommands:
		s.commands.take(value)
	case prefix + fleetapi.MetricInteractions:
		s.interactions.take(value)
		s.hasInteractions = true
	case prefix + fleetapi.MetricRateLimits:
		s.rateLimits.take(value)
		s.hasRateLimits = true
	case prefix + fleetapi.MetricAppCommandDuration + "_bucket":
		s.bucket(textOf(labels["le"], true), value)
	}
}

// numberOf accepts a number or text that is one, as float() does, if it is finite.
func numberOf(value any) (float64, bool) {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil && !math.IsNaN(number) && !math.IsInf(number, 0)
}

func (s *snapshotMeaning) shard(id string, isUp bool, value float64) {
	shard := s.shards[id]
	if shard == nil {
		shard = &shardMeaning{}
		s.shards[id] = shard
		s.tooMuchToRecall = s.tooMuchToRecall || len(s.shards) > 500
	}
	if !isUp {
		s.latency.take(value)
		shard.latency.take(value)
		return
	}
	s.shardsUp.take(value)
	if !shard.saysUp || value < shard.up {
		shard.up, shard.saysUp = value, true
	}
}

func (s *snapshotMeaning) bucket(le string, count float64) {
	bound, err := strconv.ParseFloat(le, 64)
	if err != nil || math.IsNaN(bound) || count < 0 || count > believable {
		return
	}
	s.buckets[bound] += count
	s.tooMuchToRecall = s.tooMuchToRecall || len(s.buckets) > 200
}

// shardList is what a view shows of the shards.
func (s *snapshotMeaning) shardList() []fleetapi.Shard {
	list := []fleetapi.Shard{}
	for id, shard := range s.shards {
		status := fleetapi.StatusUp
		if shard.saysUp && shard.up < 1 {
			status = fleetapi.StatusDown
		}
		if id != "" && len(id) <= longestID {
			list = append(list, fleetapi.Shard{ID: id, Status: status, LatencySeconds: shard.latency.value})
		}
	}
	slices.SortFunc(list, func(a, b fleetapi.Shard) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// quantileOf is histogram_quantile of Prometheus over cumulative counts by
// upper bound, which must have the bound +Inf. It is NaN without observations.
func quantileOf(q float64, cumulative map[float64]float64) float64 {
	bounds := make([]float64, 0, len(cumulative))
	for bound := range cumulative {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	if len(bounds) < 2 || !math.IsInf(bounds[len(bounds)-1], 1) {
		return math.NaN()
	}
	counts, highest := make([]float64, len(bounds)), 0.0
	for i, bound := range bounds {
		highest = max(highest, cumulative[bound])
		counts[i] = highest
	}
	if highest == 0 {
		return math.NaN()
	}
	rank := q * highest
	b := 0
	for b < len(bounds)-1 && counts[b] < rank {
		b++
	}
	switch {
	case b == len(bounds)-1:
		return bounds[b-1]
	case b == 0 && bounds[0] <= 0:
		return bounds[0]
	case b == 0:
		return bounds[0] * rank / counts[0]
	}
	return bounds[b-1] + (bounds[b]-bounds[b-1])*(rank-counts[b-1])/(counts[b]-counts[b-1])
}
