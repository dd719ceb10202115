package registry

import (
	"net/netip"
	"slices"
	"time"
)

// Beat is an accepted heartbeat.
type Beat struct {
	// Generation is the number of the process's registration: values of an
	// earlier one must not be kept.
	Generation int
	// Fleet and Number are the cluster's.
	Fleet  string
	Number int
	// Confirm is the change that makes the presented lease the confirmed one,
	// or nil. The caller makes it durable like any other, and need not wait.
	Confirm *Change
	// Conflict reports that two processes use the identity; at most once per TTL.
	Conflict bool
	// CameUp reports that the cluster was known to be down.
	CameUp bool
}

// Sender is who sends a heartbeat, as far as it tells.
type Sender struct {
	Remote netip.Addr
	// Token names the token that it presented, "" for none.
	Token string
}

// Heartbeat notes that a cluster lives. It refuses with ErrUnknown, ErrLeased
// or ErrHeartbeatRate; then nothing has changed.
func (r *Registry) Heartbeat(identity, lease string, from Sender) (Beat, error) {
	presented := Digest(r.options.Pepper, lease)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	e := r.entries[identity]
	held, err := r.beating(e, presented, now)
	if err != nil {
		return Beat{}, err
	}
	if !e.bucket.AllowN(now, 1) {
		return Beat{}, ErrHeartbeatRate
	}
	e.hear(now, r.on.at(now))
	e.token = from.Token
	beat := Beat{Generation: e.Registrations, Fleet: e.Fleet, Number: e.Number(), CameUp: !e.wasUp}
	e.wasUp = true
	beat.Conflict = e.remotes.observe(e.sender(held, presented, from.Remote), now, r.options.TTL)
	if held == holdsPending && r.drafts[identity] == nil {
		beat.Confirm = r.confirmation(e)
	}
	return beat, nil
}

// Admits reports whether Heartbeat would accept a beat, and changes nothing: it
// spares the work on a beat that is going to be refused.
func (r *Registry) Admits(identity, lease string) bool {
	presented := ""
	if r.options.RequireLease {
		presented = Digest(r.options.Pepper, lease)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	e := r.entries[identity]
	_, err := r.beating(e, presented, now)
	return err == nil && e.bucket.TokensAt(now) >= 1
}

// beating refuses a beat of a stranger, or with a lease of somebody else.
func (r *Registry) beating(e *entry, presented string, now time.Time) (holding, error) {
	if e == nil || e.Left {
		return holdsNothing, ErrUnknown
	}
	held := e.holding(presented)
	return held, r.gate(e, held, now)
}

// gate applies the lease. The identity of a silent holder is free to claim, so
// a stranger is then told to register.
func (r *Registry) gate(e *entry, held holding, now time.Time) error {
	if !r.options.RequireLease || !e.leased() || e.current(held) {
		return nil
	}
	if r.up(e, now) {
		return ErrLeased
	}
	return ErrUnknown
}

func (r *Registry) confirmation(e *entry) *Change {
	record := e.clone()
	record.Confirmed, record.Pending, record.Claim = record.Pending, "", ""
	change := &Change{Kind: Confirmed, Record: record}
	r.openLocked(record.Identity, change)
	return change
}

// maxRivals is how many processes on one identity are told from restarts.
const maxRivals = 4

// rivals tells a restart from processes that share an identity: after a restart
// the old sender is silent, rivals take turns.
type rivals struct {
	latest senderAt
	// earlier are the senders within a TTL before it, the latest first: mostly nobody.
	earlier []senderAt
	counted time.Time
}

type senderAt struct {
	who string
	at  time.Time
}

// sender tells one process from another: by its lease, as far as it has one. It
// is kept, so the lease's digest is not when the record has it already.
func (e *entry) sender(held holding, presented string, remote netip.Addr) string {
	switch {
	case held == holdsPending:
		return e.Pending
	case held == holdsConfirmed:
		return e.Confirmed
	case presented != "":
		return presented
	}
	return remote.String()
}

// observe reports that an earlier sender is back within the TTL although
// another one has beaten since.
func (v *rivals) observe(who string, now time.Time, ttl time.Duration) bool {
	v.earlier = slices.DeleteFunc(v.earlier, func(s senderAt) bool { return now.Sub(s.at) > ttl })
	if len(v.earlier) == 0 {
		v.earlier = nil
	}
	if who == v.latest.who {
		v.latest.at = now
		return false
	}
	back := false
	if place := slices.IndexFunc(v.earlier, func(s senderAt) bool { return s.who == who }); place >= 0 {
		back = now.Sub(v.latest.at) <= ttl
		v.earlier = slices.Delete(v.earlier, place, place+1)
	}
	if v.latest.who != "" {
		v.earlier = slices.Insert(v.earlier, 0, v.latest)
		v.earlier = v.earlier[:min(len(v.earlier), maxRivals-1)]
	}
	v.latest = senderAt{who, now}
	if !back || (!v.counted.IsZero() && now.Sub(v.counted) < ttl) {
		return false
	}
	v.counted = now
	return true
}
