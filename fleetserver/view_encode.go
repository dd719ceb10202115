package fleetserver

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// The view is the one reply whose size grows with the fleet, and it is built
// again every second while somebody looks. So it is written by hand; a test
// holds it to encoding/json, byte for byte.

const (
	// clusterBytes is about what a cluster with four shards takes.
	clusterBytes = 900
	// encodedSpan is how many clusters are encoded in one go; spans are encoded at
	// the same time.
	encodedSpan = 1024
)

// encoder keeps the spans' memory from one view to the next. The zero value is ready.
type encoder struct{ spans sync.Pool }

// encode returns the view as JSON.
func (e *encoder) encode(view *fleetapi.View) []byte {
	total := 0
	for i := range view.Fleets {
		total += len(view.Fleets[i].Clusters)
	}
	b := make([]byte, 0, 4096+clusterBytes*total)
	b = append(b, `{"generated_at":`...)
	b = appendTime(b, view.GeneratedAt)
	b = append(b, `,"global":`...)
	b = appendMetrics(b, &view.Global)
	b = append(b, `,"fleets":[`...)
	spans := e.encodeSpans(view)
	for i := range view.Fleets {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFleet(b, &view.Fleets[i], spans[i])
		for _, span := range spans[i] {
			e.spans.Put(span)
		}
	}
	return append(b, `]}`...)
}

// encodeSpans encodes the clusters of every fleet, cut into spans.
func (e *encoder) encodeSpans(view *fleetapi.View) [][]*[]byte {
	var all sync.WaitGroup
	fleets := make([][]*[]byte, len(view.Fleets))
	for i := range view.Fleets {
		clusters := view.Fleets[i].Clusters
		fleets[i] = make([]*[]byte, (len(clusters)+encodedSpan-1)/encodedSpan)
		for n := range fleets[i] {
			span := clusters[n*encodedSpan : min((n+1)*encodedSpan, len(clusters))]
			all.Go(func() { fleets[i][n] = e.encodeClusters(span) })
		}
	}
	all.Wait()
	return fleets
}

// encodeClusters joins clusters with commas.
func (e *encoder) encodeClusters(clusters []fleetapi.Cluster) *[]byte {
	span, ok := e.spans.Get().(*[]byte)
	if !ok {
		span = &[]byte{}
	}
	b := slices.Grow((*span)[:0], clusterBytes*len(clusters))
	for i := range clusters {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCluster(b, &clusters[i])
	}
	*span = b
	return span
}

func appendFleet(b []byte, fleet *fleetapi.Fleet, clusters []*[]byte) []byte {
	b = append(b, `{"name":`...)
	b = appendText(b, fleet.Name)
	b = append(b, `,"clusters_up":`...)
	b = strconv.AppendInt(b, int64(fleet.ClustersUp), 10)
	b = append(b, `,"clusters_total":`...)
	b = strconv.AppendInt(b, int64(fleet.ClustersTotal), 10)
	b = append(b, `,"rollup":`...)
	b = appendMetrics(b, &fleet.Rollup)
	b = append(b, `,"clusters":[`...)
	for i, span := range clusters {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, *span...)
	}
	return append(b, `]}`...)
}

func appendCluster(b []byte, c *fleetapi.Cluster) []byte {
	b = append(b, `{"number":`...)
	b = strconv.AppendInt(b, int64(c.Number), 10)
	b = append(b, `,"identity":`...)
	b = appendText(b, c.Identity)
	b = append(b, `,"fleet":`...)
	b = appendText(b, c.Fleet)
	b = append(b, `,"status":`...)
	b = appendText(b, c.Status)
	b = append(b, `,"last_seen":`...)
	b = appendTime(b, c.LastSeen)
	b = append(b, `,"metrics":`...)
	b = appendMetrics(b, &c.Metrics)
	b = append(b, `,"shards":`...)
	b = appendShards(b, c.Shards)
	b = append(b, `,"first_seen":`...)
	b = appendTime(b, c.FirstSeen)
	b = append(b, `,"registered_at":`...)
	b = appendTime(b, c.RegisteredAt)
	if c.ValuesAt != nil {
		b = append(b, `,"values_at":`...)
		b = appendTime(b, *c.ValuesAt)
	}
	b = append(b, `,"registrations":`...)
	b = strconv.AppendInt(b, int64(c.Registrations), 10)
	b = append(b, `,"version":`...)
	b = appendText(b, c.Version)
	b = append(b, `,"scrape_target":`...)
	b = appendText(b, c.ScrapeTarget)
	b = appendMissing(b, c.Missing)
	if c.Oversized {
		b = append(b, `,"oversized":true`...)
	}
	return append(b, '}')
}

func appendMissing(b []byte, missing []string) []byte {
	if len(missing) == 0 {
		return b
	}
	b = append(b, `,"missing":[`...)
	for i, key := range missing {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, key)
	}
	return append(b, ']')
}

func appendShards(b []byte, shards []fleetapi.Shard) []byte {
	if shards == nil {
		return append(b, `null`...)
	}
	b = append(b, '[')
	for i := range shards {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"shard_id":`...)
		b = appendText(b, shards[i].ID)
		b = append(b, `,"status":`...)
		b = appendText(b, shards[i].Status)
		b = append(b, `,"latency_seconds":`...)
		b = appendNumber(b, shards[i].LatencySeconds)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendMetrics(b []byte, m *fleetapi.Metrics) []byte {
	b = append(b, `{"latency_seconds":`...)
	b = appendNumber(b, m.LatencySeconds)
	b = append(b, `,"shards_up":`...)
	b = appendNumber(b, m.ShardsUp)
	b = append(b, `,"guilds":`...)
	b = appendNumber(b, m.Guilds)
	b = append(b, `,"cached_users":`...)
	b = appendNumber(b, m.CachedUsers)
	b = append(b, `,"interactions_rate":`...)
	b = appendNumber(b, m.InteractionsRate)
	b = append(b, `,"error_rate":`...)
	b = appendNumber(b, m.ErrorRate)
	b = append(b, `,"duration_p95_seconds":`...)
	b = appendNumber(b, m.DurationP95Seconds)
	b = append(b, `,"ratelimits_rate":`...)
	b = appendNumber(b, m.RateLimitsRate)
	b = append(b, `,"uptime_seconds":`...)
	b = appendNumber(b, m.UptimeSeconds)
	return append(b, '}')
}

// appendNumber writes a finite number; whole ones, which most are, fast.
func appendNumber(b []byte, value float64) []byte {
	const exact = 1 << 53
	if whole := int64(value); float64(whole) == value && whole < exact && whole > -exact && (whole != 0 || !math.Signbit(value)) {
		return strconv.AppendInt(b, whole, 10)
	}
	if size := math.Abs(value); size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(b, value, 'f', -1, 64)
	}
	return appendMarshalled(b, value)
}

func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return appendMarshalled(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendTime(b []byte, at time.Time) []byte {
	b = append(b, '"')
	b = at.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// appendMarshalled leaves what is rare to encoding/json. Values are finite
// numbers and texts, so that it cannot fail.
func appendMarshalled(b []byte, value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		return append(b, `null`...)
	}
	return append(b, encoded...)
}
