package registry

import (
	"cmp"
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

// List returns all clusters but retired ones, sorted by fleet and number.
func (r *Registry) List() []Cluster {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	if r.order == nil {
		r.order = r.sorted()
	}
	clusters := make([]Cluster, len(r.order))
	for i, e := range r.order {
		clusters[i] = r.describe(e, now)
	}
	return clusters
}

func (r *Registry) sorted() []*entry {
	entries := slices.AppendSeq(make([]*entry, 0, len(r.entries)), maps.Values(r.entries))
	slices.SortFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.Fleet, b.Fleet), cmp.Compare(a.Number(), b.Number()), cmp.Compare(a.Identity, b.Identity))
	})
	return entries
}

func (r *Registry) describe(e *entry, now time.Time) Cluster {
	c := Cluster{
		Identity: e.Identity, Fleet: e.Fleet, Number: e.Number(),
		Up: r.up(e, now), Left: e.Left,
		LastSeen: wall(e.lastSeen), FirstSeen: e.FirstSeen,
		RegisteredAt: e.RegisteredAt, Registrations: e.Registrations,
		Version: e.Version, ScrapeTarget: e.ScrapeTarget, Token: e.token,
	}
	if c.Up {
		c.Expires = e.seen.Add(r.options.TTL)
	}
	return c
}

// Count is the number of clusters listed, up or not.
func (r *Registry) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}

// HasFleet reports whether any cluster of a fleet is listed, up or not.
func (r *Registry) HasFleet(fleet string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fleets[fleet] > 0
}

// Sweep returns the clusters that went down since the last call, and the
// identities that have been down for longer than the retention.
func (r *Registry) Sweep() (wentDown []Cluster, expired []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	for _, e := range r.entries {
		up := r.up(e, now)
		if e.wasUp && !up {
			e.wasUp = false
			wentDown = append(wentDown, r.describe(e, now))
		}
		if !up && r.options.Retention > 0 && now.Sub(e.seen) > r.options.Retention {
			expired = append(expired, e.Identity)
		}
	}
	return wentDown, expired
}

// Unsaved returns the signs of life since the last call and the moment up to
// which they are complete, for the store. Those whose saving failed go back
// with Resave.
func (r *Registry) Unsaved() (seen map[string]Sign, until Sign) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen = map[string]Sign{}
	for identity, e := range r.entries {
		if e.unsaved {
			seen[identity] = e.sign()
			e.unsaved = false
		}
	}
	return seen, r.running()
}

// Resave marks signs of life as not saved after all.
func (r *Registry) Resave(seen map[string]Sign) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for identity := range seen {
		if e := r.entries[identity]; e != nil {
			e.unsaved = true
		}
	}
}

// State returns a copy of everything that must outlive the process, as it is
// visible now.
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
