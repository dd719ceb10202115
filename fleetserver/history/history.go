// Package history keeps the last hour of values in memory: a fixed number of
// points on one time axis that all series share.
package history

import (
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// Points is how many points a series has at most: an hour, at one every 15 s.
const Points = 240

// keys is the number of values of a point, those of fleetapi.Metrics.
const keys = 9

// Recorder holds the series. It is safe for concurrent use.
type Recorder struct {
	mu sync.Mutex
	// times is a ring; the newest point is at (ticks-1) mod Points.
	times  [Points]time.Time
	ticks  int
	series map[string]*series
	// free are those of slabs that nobody uses. Memory of series that ended is
	// kept for others.
	free []*series
}

// series is free of pointers, so that the garbage collector passes it by.
type series struct {
	// values of a slot begin with NaN where there is no point.
	values [Points][keys]float32
	// last is the tick of the newest point.
	last int
}

// slabSeries is how many series are allocated together: one alone would be
// rounded up to a size of the allocator's, which costs a tenth.
const slabSeries = 32

// take returns an empty series.
func (r *Recorder) take() *series {
	if len(r.free) == 0 {
		slab := make([]series, slabSeries)
		for i := range slab {
			r.free = append(r.free, &slab[i])
		}
	}
	last := len(r.free) - 1
	s := r.free[last]
	r.free = r.free[:last]
	for slot := range s.values {
		s.clear(slot)
	}
	return s
}

// drop ends a series.
func (r *Recorder) drop(name string) {
	if s := r.series[name]; s != nil {
		delete(r.series, name)
		r.free = append(r.free, s)
	}
}

func (s *series) has(slot int) bool { return !math.IsNaN(float64(s.values[slot][0])) }

func (s *series) clear(slot int) { s.values[slot][0] = float32(math.NaN()) }

// New returns an empty recorder.
func New() *Recorder { return &Recorder{series: map[string]*series{}} }

// Record adds one point to each of the series named; the others have a gap
// there. A series whose last point has left the axis is dropped.
func (r *Recorder) Record(at time.Time, points map[string]fleetapi.Metrics) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot := r.ticks % Points
	r.times[slot] = at
	r.ticks++
	for name, s := range r.series {
		if _, ok := points[name]; ok {
			continue
		}
		s.clear(slot)
		if s.last <= r.ticks-Points {
			r.drop(name)
		}
	}
	for name, metrics := range points {
		s := r.series[name]
		if s == nil {
			s = r.take()
			r.series[name] = s
		}
		s.values[slot], s.last = pack(metrics), r.ticks
	}
}

// Forget drops a series.
func (r *Recorder) Forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(name)
}

// Get returns the points of a series, oldest first; none for an unknown one.
func (r *Recorder) Get(name string) []fleetapi.HistoryPoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	points := []fleetapi.HistoryPoint{}
	s := r.series[name]
	if s == nil {
		return points
	}
	for tick := max(r.ticks-Points, 0); tick < r.ticks; tick++ {
		if slot := tick % Points; s.has(slot) {
			points = append(points, fleetapi.HistoryPoint{T: r.times[slot], Metrics: unpack(s.values[slot])})
		}
	}
	return points
}

func pack(m fleetapi.Metrics) [keys]float32 {
	return [keys]float32{
		float32(m.LatencySeconds), float32(m.ShardsUp), float32(m.Guilds), float32(m.CachedUsers), float32(m.InteractionsRate),
		float32(m.ErrorRate), float32(m.DurationP95Seconds), float32(m.RateLimitsRate), float32(m.UptimeSeconds),
	}
}

func unpack(v [keys]float32) fleetapi.Metrics {
	return fleetapi.Metrics{
		LatencySeconds: widen(v[0]), ShardsUp: widen(v[1]), Guilds: widen(v[2]), CachedUsers: widen(v[3]), InteractionsRate: widen(v[4]),
		ErrorRate: widen(v[5]), DurationP95Seconds: widen(v[6]), RateLimitsRate: widen(v[7]), UptimeSeconds: widen(v[8]),
	}
}

// widen gives the shortest number that means the same: 0.041, not
// 0.04100000113248825. What was too large for a float32 is the largest one.
func widen(value float32) float64 {
	const largest = 3.4028234663852886e38
	wide, err := strconv.ParseFloat(strconv.FormatFloat(float64(value), 'g', -1, 32), 64)
	if err != nil || wide > largest {
		return largest
	}
	return max(wide, -largest)
}
