package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
)

// fleets between which members move.
func fleets() []string { return []string{"asia", "europe", "america", "africa"} }

// traffic is what the members of a world send at one time.
type traffic struct {
	client *client
	known  *numbers
	// required says whether the lease is a gate.
	required bool
	done     *tally
}

// tally counts what was done, so that a test can show that it did something.
type tally struct {
	registered, moved, beats, refused, left, retired, purged, open, recovered atomic.Int64
}

// all tells whether everything that a kill could undo has been tried.
func (t *tally) all() bool {
	return t.open.Load() > 0 && t.registered.Load() > 0 && t.left.Load() > 0 && t.retired.Load() > 0
}

// String reports the counts.
func (t *tally) String() string {
	return fmt.Sprintf("%d registrations acknowledged (%d of them moves), %d heartbeats, %d strangers refused, %d leaves, %d retirements, %d purges; "+
		"%d replies lost, %d identities freed by the admin",
		t.registered.Load(), t.moved.Load(), t.beats.Load(), t.refused.Load(), t.left.Load(), t.retired.Load(), t.purged.Load(),
		t.open.Load(), t.recovered.Load())
}

// work makes random requests for its members until the context ends, until a
// reply is lost or until something is wrong, which it returns.
func (w *traffic) work(ctx context.Context, members []*member, roll *rand.Rand) error {
	for ctx.Err() == nil {
		m := members[roll.IntN(len(members))]
		if m.standing == purged {
			continue
		}
		if err := w.step(m, roll); err != nil {
			return fmt.Errorf("%s: %w", m.identity, err)
		}
		if m.open != nothing {
			w.done.open.Add(1)
			return nil
		}
	}
	return nil
}

// step makes one request that fits the member's standing.
func (w *traffic) step(m *member, roll *rand.Rand) error {
	if m.standing != registered {
		if m.standing != strange && roll.IntN(4) == 0 {
			return w.beat(m, m.lease, http.StatusNotFound)
		}
		return w.register(m, fleets()[roll.IntN(len(fleets()))], roll.IntN(4) == 0)
	}
	switch chance := roll.IntN(100); {
	case chance < 40:
		return w.beat(m, m.lease, http.StatusNoContent)
	case chance < 55:
		return w.register(m, m.fleet, chance < 45)
	case chance < 75:
		return w.register(m, fleets()[roll.IntN(len(fleets()))], chance < 60)
	case chance < 85:
		return w.stranger(m)
	case chance < 92:
		return w.leave(m)
	case chance < 99:
		return w.retire(m, false)
	default:
		return w.retire(m, true)
	}
}

// ask keeps the question open when the reply is lost, and else wants one of the statuses.
func (m *member) ask(q question, status int, err error, want ...int) (heard bool, _ error) {
	if err != nil {
		m.open = q
		return false, nil //nolint:nilerr // a lost reply is what the test is about
	}
	if !slices.Contains(want, status) {
		return false, fmt.Errorf("question %d was answered with status %d, want %v", q, status, want)
	}
	return true, nil
}

// register has the member come (back) to a fleet, maybe with a heartbeat of its
// old process under way at the same time.
func (w *traffic) register(m *member, fleet string, whileBeating bool) error {
	m.asked = fleet
	beaten := make(chan struct{})
	go func() {
		defer close(beaten)
		if whileBeating {
			_, _ = w.client.beat(m.identity, m.lease, 1)
		}
	}()
	told, status, err := w.client.register(m.identity, fleet, m.lease)
	<-beaten
	heard, err := m.ask(toRegister, status, err, http.StatusOK)
	if !heard {
		return err
	}
	if m.standing == registered && m.fleet != fleet {
		w.done.moved.Add(1)
	}
	m.standing, m.fleet, m.open = registered, fleet, nothing
	m.former, m.lease = m.lease, told.Lease
	w.done.registered.Add(1)
	return w.known.tell(m.identity, fleet, told.Number)
}

func (w *traffic) beat(m *member, lease string, want int) error {
	status, err := w.client.beat(m.identity, lease, 7)
	if err != nil {
		w.done.open.Add(1)
		return nil //nolint:nilerr // as in ask; a lost heartbeat leaves no question
	}
	if status != want {
		return fmt.Errorf("a heartbeat was answered with %d, want %d", status, want)
	}
	w.done.beats.Add(1)
	return nil
}

// stranger tries what nobody without the current lease may do.
func (w *traffic) stranger(m *member) error {
	for _, lease := range []string{"not-the-lease", m.former} {
		status, err := w.client.leave(m.identity, lease)
		if err == nil && status != http.StatusConflict {
			return fmt.Errorf("a stranger's leave was answered with %d", status)
		}
		if !w.required {
			continue
		}
		if err := w.beat(m, lease, http.StatusConflict); err != nil {
			return fmt.Errorf("a stranger: %w", err)
		}
	}
	w.done.refused.Add(1)
	return nil
}

func (w *traffic) leave(m *member) error {
	status, err := w.client.leave(m.identity, m.lease)
	heard, err := m.ask(toLeave, status, err, http.StatusNoContent)
	if !heard {
		return err
	}
	m.standing, m.lease, m.former, m.open = left, "", "", nothing
	w.done.left.Add(1)
	return nil
}

// retire takes the member out of the fleet; to forget it, it may be asked twice.
func (w *traffic) retire(m *member, purge bool) error {
	q, becomes, counter := toRetire, retired, &w.done.retired
	if purge {
		q, becomes, counter = toPurge, purged, &w.done.purged
	}
	want := []int{http.StatusNoContent}
	if m.open == toPurge {
		want = append(want, http.StatusNotFound)
	}
	status, err := w.client.retire(m.identity, purge)
	heard, err := m.ask(q, status, err, want...)
	if !heard {
		return err
	}
	m.standing, m.lease, m.former, m.open = becomes, "", "", nothing
	counter.Add(1)
	return nil
}

// settle checks after a restart that a member stands where it stood, and
// answers the question that the kill left open.
func (w *traffic) settle(m *member) error {
	switch {
	case m.open == toPurge:
		return w.retire(m, true)
	case m.open != nothing:
		return w.comeBack(m)
	case m.standing == registered:
		return w.stillHolds(m)
	case m.standing != strange:
		return w.beat(m, "", http.StatusNotFound)
	}
	return nil
}

// stillHolds wants that the lease opens, and nothing else does.
func (w *traffic) stillHolds(m *member) error {
	if w.required {
		_, status, err := w.client.register(m.identity, m.fleet, "not-the-lease")
		if err != nil || status != http.StatusConflict {
			return fmt.Errorf("a stranger's register was answered with %d, %w", status, err)
		}
	}
	return w.beat(m, m.lease, http.StatusNoContent)
}

// comeBack registers after a lost reply. A member that was ever told a lease is
// let in with it, one that was told none without, also when one more reply is lost.
func (w *traffic) comeBack(m *member) error {
	fleet := m.asked
	if m.open != toRegister {
		fleet = m.fleet
	}
	if m.lease == "" && w.required {
		if err := w.comeBackInVain(m, fleet); err != nil {
			return fmt.Errorf("coming back without ever having been told a lease: %w", err)
		}
	}
	if err := w.register(m, fleet, false); err != nil {
		return fmt.Errorf("coming back after a lost reply: %w", err)
	}
	return nil
}

// comeBackInVain is let in and loses what it was told: at once, and then when
// the lease has been used. From then on only the admin can free the identity.
func (w *traffic) comeBackInVain(m *member, fleet string) error {
	var lease string
	for range 2 {
		told, status, err := w.client.register(m.identity, fleet, "")
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("a register was answered with %d, %w", status, err)
		}
		if err := w.known.tell(m.identity, fleet, told.Number); err != nil {
			return err
		}
		lease = told.Lease
	}
	if err := w.beat(m, lease, http.StatusNoContent); err != nil {
		return err
	}
	if _, status, err := w.client.register(m.identity, fleet, ""); err != nil || status != http.StatusConflict {
		return fmt.Errorf("once the lease was used, a register without it was answered with %d, %w", status, err)
	}
	if status, err := w.client.resetLease(m.identity); err != nil || status != http.StatusNoContent {
		return fmt.Errorf("resetting the lease was answered with %d, %w", status, err)
	}
	w.done.recovered.Add(1)
	return nil
}
