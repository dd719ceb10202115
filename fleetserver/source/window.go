package source

import "time"

const (
	// windowLength is the span over which rates are taken, by arrival times.
	windowLength = 5 * time.Minute
	// windowStep is the least distance of two points, so that a window has few
	// of them however often a member beats.
	windowStep = windowLength / 20
)

// window accumulates counters over resets and knows their increase over the
// last windowLength. Its zero value is empty.
type window struct {
	last   counters // as reported
	points []point  // oldest first; the newest one is the latest arrival
	stored time.Time
}

// point is a running total that never falls.
type point struct {
	at time.Time
	counters
}

// observe takes the totals of a snapshot that arrived at a moment.
func (w *window) observe(now time.Time, c counters) {
	if len(w.points) == 0 {
		w.last, w.stored = c, now
		w.points = append(w.points, point{now, c})
		return
	}
	newest := w.points[len(w.points)-1]
	next := point{now, advance(newest.counters, w.last, c)}
	w.last = c
	if len(w.points) > 1 && now.Sub(w.stored) < windowStep {
		w.points[len(w.points)-1] = next
	} else {
		w.points = append(w.points, next)
		w.stored = now
	}
	// Keep one point at or before the window's start, to measure from.
	drop := 0
	for drop < len(w.points)-2 && now.Sub(w.points[drop+1].at) >= windowLength {
		drop++
	}
	if drop > 0 {
		w.points = append(w.points[:0], w.points[drop:]...)
	}
}

// advance adds to the running totals what happened between two reports. A sum
// that fell is one that started again at 0.
func advance(running, before, now counters) counters {
	next := now
	next.errors = running.errors + increase(before.errors, now.errors)
	next.commands = running.commands + increase(before.commands, now.commands)
	next.interactions = running.interactions + increase(before.interactions, now.interactions)
	next.rateLimits = running.rateLimits + increase(before.rateLimits, now.rateLimits)
	grown, ok := now.duration.since(&before.duration)
	if !ok {
		grown = now.duration
	}
	next.duration = running.duration.plus(&grown)
	return next
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
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 {
		return span{}, false
	}
	delta := last.counters
	delta.errors -= first.errors
	delta.commands -= first.commands
	delta.interactions -= first.interactions
	delta.rateLimits -= first.rateLimits
	if grown, ok := last.duration.since(&first.duration); ok {
		delta.duration = grown
	}
	return span{seconds, delta}, true
}
