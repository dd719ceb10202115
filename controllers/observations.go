package controllers

import (
	"math"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
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

// observations remembers when a wobbling value was last written, by object.
type observations struct {
	mu      sync.Mutex
	written map[types.UID]time.Time
}

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

// due tells whether one of the values is to be written by itself.
func (o *observations) due(uid types.UID, at time.Time, values ...wobble) bool {
	o.mu.Lock()
	last, known := o.written[uid]
	o.mu.Unlock()
	for _, value := range values {
		if period := value.period(); period > 0 && (!known || at.Sub(last) >= period) {
			return true
		}
	}
	return false
}

func (o *observations) note(uid types.UID, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.written == nil {
		o.written = map[types.UID]time.Time{}
	}
	o.written[uid] = at
}

func (o *observations) forget(uid types.UID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.written, uid)
}
