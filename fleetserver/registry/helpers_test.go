package registry

import (
	"context"
	"testing"
	"time"
)

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func newClock() *clock { return &clock{time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

// newTest returns a registry with a TTL of 20 s and generous caps.
func newTest(c *clock, change func(*Options)) *Registry {
	options := Options{
		TTL: 20 * time.Second, MaxClusters: 1000, MaxFleets: 500,
		HeartbeatBurst: 1000, Pepper: []byte("pepper"), Now: c.now,
	}
	if change != nil {
		change(&options)
	}
	return New(options)
}

// join registers and applies, as if the disk had answered.
func join(t *testing.T, r *Registry, q Registration) *Change {
	t.Helper()
	change, err := r.Register(context.Background(), q)
	if err != nil {
		t.Fatalf("register %q: %v", q.Identity, err)
	}
	r.Apply(change)
	return change
}

func number(t *testing.T, r *Registry, identity, fleet string) int {
	t.Helper()
	return join(t, r, Registration{Identity: identity, Fleet: fleet}).Record.Number()
}

func find(r *Registry, identity string) (Cluster, bool) {
	for c := range r.All() {
		if c.Identity == identity {
			return c, true
		}
	}
	return Cluster{}, false
}
