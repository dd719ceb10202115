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

// dropAtOnce is how many series are looked at under one hold of the lock.
const dropAtOnce = 1024

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
	// no point, whatever the slab holds. Nor is there one behind last.
	present [(Points + 63) / 64]uint64
}

func (s *series) has(slot int) bool { return s.present[slot/64]&(1<<(slot%64)) != 0 }

func (s *series) set(slot int) { s.present[slot/64] |= 1 << (slot % 64) }

func (s *series) clear(slot int) { s.present[slot/64] &^= 1 << (slot % 64) }

// open adds an empty series.
func (r *Recorder) open(name string) *series {
	s := &series{place: r.places, last: r.ticks - 1}
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

// Record adds one point to each of the series that points names; the others
// have a gap there. A series whose last point has left the axis is dropped. Only
// one Record runs at a time, and others may Get and Forget meanwhile.
func (r *Recorder) Record(at time.Time, points func(add func(series string, metrics fleetapi.Metrics))) {
	r.begin(at)
	points(r.add)
	r.dropSilent()
}

// begin puts a moment onto the axis.
func (r *Recorder) begin(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times[r.ticks%Points] = at
	r.ticks++
}

// add gives a series its point of the latest moment. The slots since the one
// before hold points that have left the axis.
func (r *Recorder) add(name string, metrics fleetapi.Metrics) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.series[name]
	if s == nil {
		s = r.open(name)
	}
	tick := r.ticks - 1
	for missed := max(s.last+1, r.ticks-Points); missed < tick; missed++ {
		s.clear(missed % Points)
	}
	s.set(tick % Points)
	s.last = tick
	*r.point(s, tick%Points) = pack(metrics)
}

// dropSilent lets go of the lock every now and then: there are many series.
func (r *Recorder) dropSilent() {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := 0
	for name, s := range r.series {
		if s.last < r.ticks-Points {
			r.drop(name)
		}
		if seen++; seen%dropAtOnce == 0 {
			r.mu.Unlock()
			r.mu.Lock()
		}
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
	for tick := max(r.ticks-Points, 0); tick <= s.last; tick++ {
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
