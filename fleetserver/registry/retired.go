package registry

import (
	"cmp"
	"container/list"
	"maps"
	"slices"
	"time"
)

// maxForgottenAtOnce bounds the drafts of one Surplus.
const maxForgottenAtOnce = 1000

// retirees are the identities that are kept only for their numbers. They cost
// as little as may be, for there can be many more of them than clusters.
type retirees struct {
	byIdentity map[string]*list.Element
	order      *list.List // of *retiree, the first to be retired in front
}

type retiree struct {
	identity, fleet string
	numbers         []drawn
	registrations   int
	firstSeen       time.Time
	retiredAt       time.Time
}

type drawn struct {
	fleet  string
	number int
}

func newRetirees() retirees {
	return retirees{byIdentity: map[string]*list.Element{}, order: list.New()}
}

// retire is what is kept of a record.
func (r Record) retire(at time.Time) Record {
	return Record{
		Identity: r.Identity, Fleet: r.Fleet, Numbers: maps.Clone(r.Numbers), FirstSeen: r.FirstSeen, Registrations: r.Registrations,
		Retired: true, RetiredAt: at,
	}
}

func (r retirees) count() int { return len(r.byIdentity) }

// add appends a record as the last to be retired.
func (r retirees) add(record Record) {
	kept := &retiree{
		identity: record.Identity, fleet: record.Fleet, registrations: record.Registrations,
		firstSeen: record.FirstSeen, retiredAt: record.RetiredAt, numbers: make([]drawn, 0, len(record.Numbers)),
	}
	for fleet, number := range record.Numbers {
		kept.numbers = append(kept.numbers, drawn{fleet, number})
	}
	r.byIdentity[record.Identity] = r.order.PushBack(kept)
}

// restore adds the records of a state, the first to be retired first.
func (r retirees) restore(records []Record) {
	for i := range records {
		if records[i].RetiredAt.IsZero() { // as in older files
			records[i].RetiredAt = records[i].RegisteredAt
		}
	}
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(a.RetiredAt.Compare(b.RetiredAt), cmp.Compare(a.Identity, b.Identity))
	})
	for _, record := range records {
		r.add(record)
	}
}

func (r retirees) remove(identity string) {
	if place := r.byIdentity[identity]; place != nil {
		r.order.Remove(place)
		delete(r.byIdentity, identity)
	}
}

// oldest returns the records of the first n to be retired.
func (r retirees) oldest(n int) []Record {
	records := make([]Record, 0, max(n, 0))
	for place := r.order.Front(); place != nil && len(records) < n; place = place.Next() {
		records = append(records, recordAt(place))
	}
	return records
}

func recordAt(place *list.Element) Record {
	kept, ok := place.Value.(*retiree)
	if !ok {
		return Record{}
	}
	numbers := make(map[string]int, len(kept.numbers))
	for _, d := range kept.numbers {
		numbers[d.fleet] = d.number
	}
	return Record{
		Identity: kept.identity, Fleet: kept.fleet, Numbers: numbers, FirstSeen: kept.firstSeen, Registrations: kept.registrations,
		Retired: true, RetiredAt: kept.retiredAt,
	}
}

// former is a copy of what is known of an identity, listed or retired.
func (r *Registry) former(identity string) (Record, bool) {
	if e := r.entries[identity]; e != nil {
		return e.clone(), true
	}
	if place := r.retired.byIdentity[identity]; place != nil {
		return recordAt(place), true
	}
	return Record{}, false
}

// CountRetired is how many retired identities are remembered.
func (r *Registry) CountRetired() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.retired.count()
}

// Surplus drafts that retired identities beyond the cap are forgotten, those
// that were retired first, and not too many at once. The counters stay, so
// their numbers are never given again; only they themselves do not get them
// back when they return.
func (r *Registry) Surplus() []*Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.options.MaxRetired <= 0 {
		return nil
	}
	var changes []*Change
	for _, record := range r.retired.oldest(min(r.retired.count()-r.options.MaxRetired, maxForgottenAtOnce)) {
		if r.drafts[record.Identity] == nil {
			change := &Change{Kind: Forgotten, Record: record}
			r.openLocked(record.Identity, change)
			changes = append(changes, change)
		}
	}
	return changes
}
