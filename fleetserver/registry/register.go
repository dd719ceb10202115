package registry

import (
	"context"
	"maps"
	"time"
)

// maxFleetsOfOne bounds the fleets that one identity can collect numbers in.
const maxFleetsOfOne = 64

// maxFleetsEver bounds the fleets that numbers have been drawn in: each keeps
// its counter for ever, even when nobody is in it any more.
const maxFleetsEver = 5000

// Registration is what a member says of itself when it registers.
type Registration struct {
	Identity string
	Fleet    string
	Version  string
	// ScrapeTarget is nil when the member did not mention one: then the former stays.
	ScrapeTarget *string
	Lease        string
	// Token names the token that was presented, "" for none.
	Token string
}

// Register drafts the arrival of a process under an identity: a number, drawn
// if it has none in that fleet, and a new lease. It refuses with a *NameError,
// ErrLeased, ErrFull or ErrTooManyFleets, and waits while another change of the
// identity is open.
func (r *Registry) Register(ctx context.Context, q Registration) (*Change, error) {
	presented := Digest(r.options.Pepper, q.Lease)
	return r.draft(ctx, q.Identity, func(e *entry) (*Change, error) {
		former, known := r.former(q.Identity)
		if err := checkRegistration(former, known, q); err != nil {
			return nil, err
		}
		if r.tooManyFleets(former, q.Fleet) {
			return nil, ErrTooManyFleets
		}
		if err := r.admit(e, presented); err != nil {
			return nil, err
		}
		change := r.registration(former, q, presented)
		change.New = e == nil
		return change, nil
	})
}

// checkRegistration judges only names that are new: imported ones may be longer.
func checkRegistration(former Record, known bool, q Registration) error {
	if !known {
		return checkNames(q.Identity, q.Fleet)
	}
	if former.Numbers[q.Fleet] == 0 {
		return checkFleet(q.Fleet)
	}
	return nil
}

// admit decides whether there is room for a newcomer, and whether the identity
// of one that is listed may be had.
func (r *Registry) admit(e *entry, presented string) error {
	if e == nil {
		if len(r.entries)+r.arriving >= r.options.MaxClusters {
			return ErrFull
		}
		return nil
	}
	opens := !r.options.RequireLease || !e.leased() || e.holding(presented) != holdsNothing || e.claimed(presented)
	if !opens && r.up(e, r.options.Now()) {
		return ErrLeased
	}
	return nil
}

// tooManyFleets keeps the names of fleets from growing without bound: those
// with entries, drafts among them, those that one identity has a number in, and
// those that anybody ever had one in.
func (r *Registry) tooManyFleets(former Record, fleet string) bool {
	if former.Numbers[fleet] == 0 && len(former.Numbers) >= maxFleetsOfOne {
		return true
	}
	if _, counted := r.counters[fleet]; !counted && len(r.counters) >= maxFleetsEver {
		return true
	}
	if r.fleets[fleet] > 0 {
		return false
	}
	fresh := map[string]bool{fleet: true}
	for _, change := range r.drafts {
		if r.fleets[change.Record.Fleet] == 0 {
			fresh[change.Record.Fleet] = true
		}
	}
	return len(r.fleets)+len(fresh) > r.options.MaxFleets
}

// registration goes on from the former record of the identity, which is the
// zero Record if there is none.
func (r *Registry) registration(former Record, q Registration, presented string) *Change {
	now := wall(r.options.Now())
	change := &Change{Kind: Registered, Lease: newLease(), token: q.Token}
	record := former
	record.Identity = q.Identity
	if record.FirstSeen.IsZero() {
		record.FirstSeen = now
	}
	if former.Fleet != q.Fleet {
		change.MovedFrom = former.Fleet
	}
	record.Fleet, record.Version = common(q.Fleet), common(tidyVersion(q.Version))
	if q.ScrapeTarget != nil {
		record.ScrapeTarget = *q.ScrapeTarget
	}
	record.RegisteredAt = now
	record.Registrations++
	record.Left, record.Retired, record.RetiredAt = false, false, time.Time{}
	// Only the pending lease is replaced, so a member whose reply got lost can
	// come back with the lease it has. A stranger's claim ends the old lease.
	if record.holding(presented) == holdsNothing {
		record.Confirmed, record.Claim = "", presented
	} else {
		record.Confirmed, record.Claim = presented, ""
	}
	record.Pending = Digest(r.options.Pepper, change.Lease)
	r.number(&record, change)
	change.Record = record
	return change
}

// number gives the record its number in its fleet, drawing the next one if it
// never had any there.
func (r *Registry) number(record *Record, change *Change) {
	if record.Numbers[record.Fleet] != 0 {
		return
	}
	r.counters[record.Fleet]++
	change.Fleet, change.Drawn = record.Fleet, r.counters[record.Fleet]
	numbers := maps.Clone(record.Numbers)
	if numbers == nil {
		numbers = map[string]int{}
	}
	numbers[record.Fleet] = change.Drawn
	record.Numbers = numbers
}

// SpendAsHolder takes a token from the identity's own bucket if the lease is
// one of its leases. A holder's registers then cost nobody else anything.
func (r *Registry) SpendAsHolder(identity, lease string) (holder, allowed bool) {
	presented := Digest(r.options.Pepper, lease)
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[identity]
	if e == nil || e.holding(presented) == holdsNothing {
		return false, false
	}
	return true, e.bucket.AllowN(r.options.Now(), 1)
}

// wall is the moment without its monotonic reading, as it is stored and shown.
func wall(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Microsecond) }
