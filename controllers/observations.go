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

// due tells whether a value that wobbles is to be written by itself.
func (o *observations) due(uid types.UID, before, now int64, at time.Time) bool {
	change, period := math.Abs(float64(now-before)), observationPeriod
	switch {
	case change <= observationChange*math.Abs(float64(before)):
		return false
	case change > largeChange*math.Abs(float64(before)):
		period = largePeriod
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	last, known := o.written[uid]
	return !known || at.Sub(last) >= period
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
