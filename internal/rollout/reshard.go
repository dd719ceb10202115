package rollout

import "time"

// Reshard tells whether the old shard layout may be stopped for a new one. The zero
// value is yes.
type Reshard struct {
	// Impossible: the new layout has more shards than a day can start.
	Impossible bool
	// Until is when the budget bears all of the new layout; zero for now.
	Until time.Time
}

// Waits tells whether the old layout is to go on.
func (r Reshard) Waits() bool { return r.Impossible || !r.Until.IsZero() }

// Reshard looks at the start of a whole new layout at once: what has been stopped for
// it cannot go back, so nothing is stopped before all of it can start.
func (b *Budget) Reshard(now time.Time, shards int) Reshard {
	if b.Impossible(shards) {
		return Reshard{Impossible: true}
	}
	return Reshard{Until: b.wait(now, shards, 0, false)}
}

// WaitFor has the decision tell of a new layout that waits for the budget.
func (d *Decision) WaitFor(r Reshard) {
	if !r.Until.IsZero() {
		d.BudgetUntil = r.Until
		d.wake(r.Until)
	}
}
