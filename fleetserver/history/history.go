// Package history keeps the last hour of values in memory: a fixed number of
// points on one time axis that all series share.
package history

import (
	"strconv"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// Points is how many points a series has at most: an hour, at one every 15 s.
const Points = 240

// keys is the number of values of a point, those of fleetapi.Metrics.
const keys = 9

// A series' points are allocated as time goes by, a span of the axis at a time,
// and for many series together: all of them at once would be a burst of
// gigabytes in a large fleet. A slab has just one of the allocator's sizes.
const (
	spanPoints = 16
	spans      = Points / spanPoints
	slabSeries = 32
)

// Recorder holds the series. It is safe for concurrent use.
type Recorder struct {
	mu sync.Mutex
	// times is a ring; the newest point is at (ticks-1) mod Points.
	times  [Points]time.Time
	ticks  int
	series map[string]*series
	// slabs hold the points, by the span of the axis and the places of series;
	// one that nobody has written to is nil.
	slabs [spans][]*slab
	// places is how many series there have been at one time; free are those
	// places that nobody uses now. Their memory is kept for others.
	places int
	free   []int
}

// slab is free of pointers, so that the garbage collector passes it by.
type slab [slabSeries][spanPoints][keys]float32

// series is where to find its points.
type series struct {
	place int
	// last is the tick of the newest point.
	last int
	// present has a bit for each slot of the ring: where it is not set, there is
	// no point, whatever the slab holds.
	present [(Points + 63) / 64]uint64
}

func (s *series) has(slot int) bool { return s.present[slot/64]&(1<<(slot%64)) != 0 }

func (s *series) set(slot int) { s.present[slot/64] |= 1 << (slot % 64) }

func (s *series) clear(slot int) { s.present[slot/64] &^= 1 << (slot % 64) }

// begin adds an empty series.
func (r *Recorder) begin(name string) *series {
	s := &series{place: r.places}
	if last := len(r.free) - 1; last >= 0 {
		s.place, r.free = r.free[last], r.free[:last]
	} else {
		r.places++
	}
	r.series[name] = s
	return s
}

// drop ends a series.
func (r *Recorder) drop(name string) {
	if s := r.series[name]; s != nil {
		delete(r.series, name)
		r.free = append(r.free, s.place)
	}
}

// point is where a series has its values of a slot.
func (r *Recorder) point(s *series, slot int) *[keys]float32 {
	slabs, number := &r.slabs[slot/spanPoints], s.place/slabSeries
	for len(*slabs) <= number {
		*slabs = append(*slabs, nil)
	}
	if (*slabs)[number] == nil {
		(*slabs)[number] = new(slab)
	}
	return &(*slabs)[number][s.place%slabSeries][slot%spanPoints]
}

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
			s = r.begin(name)
		}
		s.set(slot)
		s.last = r.ticks
		*r.point(s, slot) = pack(metrics)
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
			points = append(points, fleetapi.HistoryPoint{T: r.times[slot], Metrics: unpack(r.point(s, slot))})
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

func unpack(v *[keys]float32) fleetapi.Metrics {
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
