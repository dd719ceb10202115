package registry

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options configure a Registry.
type Options struct {
	// TTL is how long a silent cluster counts as up (inclusive).
	TTL time.Duration
	// Retention is how long a down cluster stays listed; 0 means for ever.
	Retention time.Duration
	// MaxClusters and MaxFleets cap what new identities and new fleets may fill.
	MaxClusters int
	MaxFleets   int
	// MaxRetired caps the retired identities that are remembered; 0 means no cap.
	MaxRetired int
	// RequireLease makes the lease a gate for heartbeats and registers.
	RequireLease bool
	// HeartbeatBurst is how many requests an identity may make at once; it
	// earns as many again each minute.
	HeartbeatBurst int
	// Pepper keys the digests of leases.
	Pepper []byte
	// Now is the clock. Ages use its monotonic reading, so steps of the wall
	// clock move nothing.
	Now func() time.Time
}

// Registry is the fleet's membership. It is safe for concurrent use.
type Registry struct {
	options Options

	mu sync.Mutex
	on onTime
	// entries are the identities that are listed, retired those that were.
	entries  map[string]*entry
	retired  retirees
	counters map[string]int
	// drafts holds the one open Change of an identity.
	drafts map[string]*Change
	// arriving counts the drafts that will add an entry.
	arriving int
	// fleets counts the listed entries of each fleet.
	fleets map[string]int
	// order holds the listed entries as All goes through them; nil after a change.
	// Once it is there it is only read. moves counts what made it out of date.
	order []place
	moves int
	// owed are the entries whose Record the store does not have yet.
	owed map[string]*entry
}

// entry is one listed identity in memory.
type entry struct {
	Record
	// lastSeen is the last sign of life as people are told it, heard the same as
	// a reading of the on-time. seen is what its age counts from, on the
	// monotonic clock: the same moment, or the start for one that was given a
	// full TTL then.
	lastSeen time.Time
	heard    time.Duration
	seen     time.Time
	// token names the one that the last accepted register or beat came with.
	token string
	// wasUp is what was last told of it: by a register, a beat, a leave or a sweep.
	wasUp bool
	// unsaved means that the store does not have lastSeen and heard yet.
	unsaved bool
	// listed ends when the entry is retired or forgotten; one that comes back is another.
	listed bool
	// bucket is spent by whoever holds the lease, or claims to where leases are no gate.
	bucket  *rate.Limiter
	remotes rivals
}

// New returns an empty registry.
func New(options Options) *Registry {
	return &Registry{
		options:  options,
		on:       onTime{since: options.Now()},
		entries:  map[string]*entry{},
		retired:  newRetirees(),
		counters: map[string]int{},
		drafts:   map[string]*Change{},
		fleets:   map[string]int{},
		owed:     map[string]*entry{},
	}
}

func (r *Registry) newEntry(record Record) *entry {
	burst := r.options.HeartbeatBurst
	return &entry{Record: record, bucket: rate.NewLimiter(rate.Limit(float64(burst)/60), burst)}
}

// up is the one definition of health.
func (r *Registry) up(e *entry, now time.Time) bool {
	return !e.Left && now.Sub(e.seen) <= r.options.TTL
}

// hear notes a sign of life, unless there has been a later one.
func (e *entry) hear(at time.Time, on time.Duration) {
	if at.Before(e.seen) {
		return
	}
	e.seen, e.lastSeen, e.heard, e.unsaved = at, at, on, true
}

// draft opens a change of one identity: it waits until no other is open, calls
// build under the lock and keeps what it returns, if anything.
func (r *Registry) draft(ctx context.Context, identity string, build func(*entry) (*Change, error)) (*Change, error) {
	for {
		r.mu.Lock()
		open, busy := r.drafts[identity]
		if !busy {
			change, err := build(r.entries[identity])
			if err == nil {
				r.openLocked(identity, change)
			}
			r.mu.Unlock()
			return change, err
		}
		r.mu.Unlock()
		select {
		case <-open.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *Registry) openLocked(identity string, change *Change) {
	change.done = make(chan struct{})
	change.at = r.options.Now()
	change.on = r.on.at(change.at)
	if change.New {
		r.arriving++
	}
	r.drafts[identity] = change
}

// Abort gives up a draft whose commit failed. What it drew stays drawn.
func (r *Registry) Abort(change *Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeLocked(change)
}

func (r *Registry) closeLocked(change *Change) {
	delete(r.drafts, change.Record.Identity)
	if change.New {
		r.arriving--
	}
	close(change.done)
}

// Apply makes a durable change visible.
func (r *Registry) Apply(change *Change) { r.apply(change, false) }

// ApplyOwed makes a change visible that the store has refused. It comes back
// from Owed until it is durable.
func (r *Registry) ApplyOwed(change *Change) { r.apply(change, true) }

// Owed drafts anew every change that ApplyOwed has made visible.
func (r *Registry) Owed() []*Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	var changes []*Change
	for identity, e := range r.owed {
		if r.drafts[identity] == nil {
			change := &Change{Kind: Resaved, Record: e.clone()}
			r.openLocked(identity, change)
			changes = append(changes, change)
		}
	}
	return changes
}

func (r *Registry) apply(change *Change, owed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.closeLocked(change)
	identity := change.Record.Identity
	e, order, moves := r.entries[identity], r.order, r.moves
	if e != nil {
		r.list(e, -1)
	}
	r.retired.remove(identity)
	delete(r.owed, identity)
	switch change.Kind {
	case Purged, Forgotten:
		delete(r.entries, identity)
		return
	case Retired:
		delete(r.entries, identity)
		r.retired.add(change.Record)
		return
	}
	// A number never changes within its fleet, so who stays there keeps the place in the list.
	stays := e != nil && e.Fleet == change.Record.Fleet
	if e == nil {
		e = r.newEntry(change.Record)
		r.entries[identity] = e
	}
	e.Record = change.Record
	if owed {
		r.owed[identity] = e
	}
	if change.Kind == Registered {
		e.hear(change.at, change.on)
		e.token = change.token
		e.wasUp = true
	}
	if e.Left {
		e.wasUp = false
	}
	r.list(e, 1)
	if stays {
		r.order, r.moves = order, moves
	}
}

// list counts an entry in or out.
func (r *Registry) list(e *entry, by int) {
	r.order, e.listed = nil, by > 0
	r.moves++
	if r.fleets[e.Fleet] += by; r.fleets[e.Fleet] == 0 {
		delete(r.fleets, e.Fleet)
	}
}
