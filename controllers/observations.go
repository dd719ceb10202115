package controllers

import (
	"math"
	"time"
)

// Observations that wobble, such as a guild count, are written with another change
// of the status, or when they have moved by more than one in a hundred since the
// last write and that was ten minutes ago; a minute ago if by more than one in ten.
// A quiet bot's object does not change.
const (
	observationPeriod = 10 * time.Minute
	observationChange = 0.01
	largePeriod       = time.Minute
	largeChange       = 0.1
)

// wobble is a value as it was written and as it is.
type wobble struct{ before, now int64 }

// period is how long after the last write a value that moved so far may be written by
// itself, and 0 for never.
func (w wobble) period() time.Duration {
	change, value := math.Abs(float64(w.now-w.before)), math.Abs(float64(w.before))
	switch {
	case change <= observationChange*value:
		return 0
	case change > largeChange*value:
		return largePeriod
	}
	return observationPeriod
}

// observationDue tells whether one of the values is to be written by itself; last is when
// one was, or zero.
func observationDue(last, now time.Time, values ...wobble) bool {
	for _, value := range values {
		if period := value.period(); period > 0 && now.Sub(last) >= period {
			return true
		}
	}
	return false
}
