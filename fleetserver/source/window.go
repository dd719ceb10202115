package source

import (
	"math"
	"slices"
	"time"
)

const (
	// windowLength is the span over which rates are taken, by arrival times.
	windowLength = 5 * time.Minute
	// windowStep is the least distance of two points, so that a window has few
	// of them however often a member beats.
	windowStep = windowLength / 20
	// windowPoints is room for those within a window, the one that it is measured
	// from, and the newest.
	windowPoints = int(windowLength/windowStep) + 2
)

// window accumulates counters over resets and knows their increase over the
// last windowLength. Its zero value is empty. Every cluster has one, so it is
// kept small: no histogram for each point, and no room that is never used.
type window struct {
	last   counters // as reported
	began  time.Time
	points []point       // oldest first; the newest one is the latest arrival
	stored time.Duration // when the newest point was begun
	// grown holds a row for each point but the oldest: by how much each bucket of last.duration
	// has grown since the point before. Increases are whole and small, which a
	// float32 holds exactly up to 16 million.
	grown []float32
}

// point is a running total that never falls.
type point struct {
	at                                         time.Duration // since the window began
	errors, commands, interactions, rateLimits float64
}

// observe takes the totals of a snapshot that arrived at a moment.
func (w *window) observe(now time.Time, c counters) {
	width := len(c.duration.buckets)
	if len(w.points) == 0 {
		w.last, w.began = c, now
		w.points = append(make([]point, 0, windowPoints), point{0, c.errors, c.commands, c.interactions, c.rateLimits})
		w.grown = make([]float32, 0, (windowPoints-1)*width)
		return
	}
	grown, same := c.duration.since(&w.last.duration)
	if !same {
		grown = c.duration
	}
	if !c.duration.sameBounds(&w.last.duration) {
		w.grown = make([]float32, (len(w.points)-1)*width, (windowPoints-1)*width)
	}
	next := w.points[len(w.points)-1].advance(now.Sub(w.began), &w.last, &c)
	w.last = c
	if len(w.points) > 1 && next.at-w.stored < windowStep {
		w.drop(next.at, len(w.points)-2)
		w.points[len(w.points)-1] = next
	} else {
		w.drop(next.at, len(w.points)-1)
		w.points, w.stored = append(w.points, next), next.at
		w.grown = append(w.grown, make([]float32, width)...)
	}
	row := w.grown[len(w.grown)-width:]
	for i, bucket := range grown.buckets {
		row[i] = float32(min(float64(row[i])+bucket.count, math.MaxFloat32))
	}
}

// drop forgets up to limit points, but keeps one at or before the window's
// start, to measure from.
func (w *window) drop(now time.Duration, limit int) {
	count := 0
	for count < limit && now-w.points[count+1].at >= windowLength {
		count++
	}
	if count > 0 {
		w.points = append(w.points[:0], w.points[count:]...)
		w.grown = append(w.grown[:0], w.grown[count*len(w.last.duration.buckets):]...)
	}
}

// advance adds what happened between two reports. A sum that fell is one that
// started again at 0.
func (p point) advance(at time.Duration, before, now *counters) point {
	return point{
		at:           at,
		errors:       p.errors + increase(before.errors, now.errors),
		commands:     p.commands + increase(before.commands, now.commands),
		interactions: p.interactions + increase(before.interactions, now.interactions),
		rateLimits:   p.rateLimits + increase(before.rateLimits, now.rateLimits),
	}
}

func increase(before, now float64) float64 {
	if now < before {
		return now
	}
	return now - before
}

// span is what happened between the ends of the window.
type span struct {
	seconds float64
	counters
}

// measure returns the span, and false while there are not two arrivals.
func (w *window) measure() (span, bool) {
	if len(w.points) < 2 {
		return span{}, false
	}
	first, last := w.points[0], w.points[len(w.points)-1]
	seconds := (last.at - first.at).Seconds()
	if seconds <= 0 {
		return span{}, false
	}
	return span{seconds, counters{
		errors:       last.errors - first.errors,
		commands:     last.commands - first.commands,
		interactions: last.interactions - first.interactions,
		rateLimits:   last.rateLimits - first.rateLimits,
		duration:     w.durations(),
	}}, true
}

// durations adds up what the buckets have grown by since the first point.
func (w *window) durations() histogram {
	buckets := slices.Clone(w.last.duration.buckets)
	for i := range buckets {
		buckets[i].count = 0
	}
	for at := 0; at < len(w.grown); at += len(buckets) {
		for i := range buckets {
			buckets[i].count += float64(w.grown[at+i])
		}
	}
	return histogram{buckets: buckets}
}
