package registry

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// Cluster is one listed identity at one moment.
type Cluster struct {
	Identity      string
	Fleet         string
	Number        int
	Up            bool
	Left          bool
	LastSeen      time.Time
	FirstSeen     time.Time
	RegisteredAt  time.Time
	Registrations int
	Version       string
	ScrapeTarget  string
	// Token names the one that the last register or beat of this run came with; "" for
	// none.
	Token string
	// Expires is the last moment at which it is up if it stays silent; zero for one that is down.
	Expires time.Time
}

// atOnce is how many entries are looked at under one hold of the lock. Heartbeats
// wait for it, and a fleet may have a hundred thousand of them.
const atOnce = 512

// place is an entry with where it stands in the list. What it says of fleet and
// number stays as it was when the list was made.
type place struct {
	fleet  string
	number int
	*entry
}

// All yields the clusters that are listed, retired ones are not, by fleet and
// number. Each is told as it is when its turn comes: whoever registers
// meanwhile may be missing, and who moves may still stand where it was.
func (r *Registry) All() iter.Seq[Cluster] {
	return func(yield func(Cluster) bool) {
		clusters := make([]Cluster, 0, atOnce)
		for part := range slices.Chunk(r.places(), atOnce) {
			clusters = clusters[:0]
			r.visit(part, func(p place, now time.Time) { clusters = append(clusters, r.describe(p, now)) })
			for i := range clusters {
				if !yield(clusters[i]) {
					return
				}
			}
		}
	}
}

// places returns the listed entries by fleet and number.
func (r *Registry) places() []place {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.order != nil {
		return r.order
	}
	moves, order := r.moves, make([]place, 0, len(r.entries))
	for _, e := range r.entries { // which may change where the lock is let go of
		order = append(order, place{e.Fleet, e.Number(), e})
		if len(order)%atOnce == 0 {
			r.giveWay(func() {})
		}
	}
	r.giveWay(func() {
		slices.SortFunc(order, func(a, b place) int { return cmp.Or(cmp.Compare(a.fleet, b.fleet), cmp.Compare(a.number, b.number)) })
	})
	if r.moves == moves {
		r.order = order
	}
	return order
}

// giveWay does something without the lock, which the caller holds.
func (r *Registry) giveWay(do func()) {
	r.mu.Unlock()
	defer r.mu.Lock()
	do()
}

// visit shows a part of the places under the lock, as far as they are still listed.
func (r *Registry) visit(part []place, do func(place, time.Time)) {
	now := r.options.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range part {
		if p.listed {
			do(p, now)
		}
	}
}

func (r *Registry) describe(p place, now time.Time) Cluster {
	c := Cluster{
		Identity: p.Identity, Fleet: p.fleet, Number: p.number,
		Up: r.up(p.entry, now), Left: p.Left,
		LastSeen: wall(p.lastSeen), FirstSeen: p.FirstSeen,
		RegisteredAt: p.RegisteredAt, Registrations: p.Registrations,
		Version: p.Version, ScrapeTarget: p.ScrapeTarget, Token: p.token,
	}
	if c.Up {
		c.Expires = p.seen.Add(r.options.TTL)
	}
	return c
}

// Count is the number of clusters listed, up or not.
func (r *Registry) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}

// CountOf is the number of clusters of a fleet that are listed, up or not.
func (r *Registry) CountOf(fleet string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fleets[fleet]
}

// Sweep returns the clusters that went down since the last call, and the
// identities that have been down for longer than the retention.
func (r *Registry) Sweep() (wentDown []Cluster, expired []string) {
	look := func(p place, now time.Time) {
		up := r.up(p.entry, now)
		if p.wasUp && !up {
			p.wasUp = false
			wentDown = append(wentDown, r.describe(p, now))
		}
		if !up && r.options.Retention > 0 && now.Sub(p.seen) > r.options.Retention {
			expired = append(expired, p.Identity)
		}
	}
	for part := range slices.Chunk(r.places(), atOnce) {
		r.visit(part, look)
	}
	return wentDown, expired
}

// Unsaved returns the signs of life since the last call and the moment up to
// which they are complete, for the store. Those whose saving failed go back
// with Resave.
func (r *Registry) Unsaved() (seen map[string]Sign, until Sign) {
	seen, until = map[string]Sign{}, r.running()
	take := func(p place, _ time.Time) {
		if p.unsaved {
			seen[p.Identity] = p.sign()
			p.unsaved = false
		}
	}
	for part := range slices.Chunk(r.places(), atOnce) {
		r.visit(part, take)
	}
	return seen, until
}

// Resave marks signs of life as not saved after all.
func (r *Registry) Resave(seen map[string]Sign) {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := 0
	for identity := range seen {
		if e := r.entries[identity]; e != nil {
			e.unsaved = true
		}
		if count++; count%atOnce == 0 {
			r.giveWay(func() {})
		}
	}
}

// State returns a copy of everything that must outlive the process, as it is
// visible now. Heartbeats wait for it: it is of one moment, and rarely asked for.
func (r *Registry) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := State{Records: r.retired.oldest(r.retired.count()), LastSeen: map[string]Sign{}, Counters: maps.Clone(r.counters), LastRun: r.running()}
	for identity, e := range r.entries {
		state.Records = append(state.Records, e.clone())
		state.LastSeen[identity] = e.sign()
	}
	return state
}

// Up reports whether an identity is in the fleet and alive.
func (r *Registry) Up(identity string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[identity]
	return e != nil && r.up(e, r.options.Now())
}
