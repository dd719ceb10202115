package registry

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestDigestIsKeyedAndNeverEmptyForASecret(t *testing.T) {
	// The HMAC of RFC 4231, test case 2.
	const want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	if got := Digest([]byte("Jefe"), "what do ya want for nothing?"); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	if Digest([]byte("x"), "secret") == Digest([]byte("y"), "secret") {
		t.Error("the pepper does not matter")
	}
	if got := Digest([]byte("x"), ""); got != "" {
		t.Errorf("digest of nothing is %q", got)
	}
	if (Record{}).holding("") != holdsNothing {
		t.Error("an empty digest matches an empty record")
	}
}

// holder drives one identity through lease steps with leases required.
type holder struct {
	t *testing.T
	c *clock
	r *Registry
}

func newHolder(t *testing.T) holder {
	t.Helper()
	c := newClock()
	return holder{t, c, newTest(c, func(o *Options) { o.RequireLease = true })}
}

// register returns the new lease; lost drops the reply, as a broken connection does.
func (h holder) register(lease string, want error) string {
	h.t.Helper()
	change, err := h.r.Register(context.Background(), Registration{Identity: "a", Fleet: "asia", Lease: lease})
	if !errors.Is(err, want) {
		h.t.Fatalf("register with %.4q: %v, want %v", lease, err, want)
	}
	if err != nil {
		return ""
	}
	h.r.Apply(change)
	return change.Lease
}

func (h holder) beat(lease string, want error) {
	h.t.Helper()
	b, err := h.r.Heartbeat("a", lease, here)
	if !errors.Is(err, want) {
		h.t.Fatalf("heartbeat with %.4q: %v, want %v", lease, err, want)
	}
	if b.Confirm != nil {
		h.r.Apply(b.Confirm)
	}
}

func TestRequiredLeases(t *testing.T) {
	for name, play := range map[string]func(h holder){
		"the issued lease opens, another or none does not": func(h holder) {
			lease := h.register("", nil)
			h.beat(lease, nil)
			h.beat("wrong", ErrLeased)
			h.beat("", ErrLeased)
			h.register("", ErrLeased)
			h.register("wrong", ErrLeased)
		},
		"a re-register rotates, the old lease then beats no more": func(h holder) {
			old := h.register("", nil)
			h.beat(old, nil)
			fresh := h.register(old, nil)
			h.beat(old, ErrLeased)
			h.beat(fresh, nil)
			h.register(old, ErrLeased)
		},
		"a lost reply does not lock the member out": func(h holder) {
			kept := h.register("", nil)
			h.beat(kept, nil)
			for range 3 {
				h.register(kept, nil) // the replies get lost
			}
			fresh := h.register(kept, nil)
			h.beat(fresh, nil)
		},
		"a lease that was only issued registers too": func(h holder) {
			issued := h.register("", nil)
			next := h.register(issued, nil)
			h.beat(next, nil)
		},
		"a first reply that is lost does not either": func(h holder) {
			h.register("", nil) // the replies get lost
			h.register("", nil)
			lease := h.register("", nil)
			h.register("wrong", ErrLeased)
			h.beat(lease, nil)
			h.register("", ErrLeased)
		},
		"nor one to a process with a worthless lease, whose place nobody else has": func(h holder) {
			h.register("worthless", nil) // the reply gets lost
			h.register("", ErrLeased)
			h.register("wrong", ErrLeased)
			h.beat(h.register("worthless", nil), nil)
			h.register("worthless", ErrLeased)
		},
		"of two that come without a lease the later one has the identity": func(h holder) {
			first, second := h.register("", nil), h.register("", nil)
			h.beat(first, ErrLeased)
			h.beat(second, nil)
			h.register(first, ErrLeased)
		},
		"a lease that a register presented is as good as one that has beaten": func(h holder) {
			next := h.register(h.register("", nil), nil)
			h.register("", ErrLeased)
			h.beat(next, nil)
		},
		"a silent holder's identity can be claimed, and then the old lease is dead": func(h holder) {
			old := h.register("", nil)
			h.beat(old, nil)
			h.c.advance(21 * time.Second)
			h.beat("stranger", ErrUnknown)
			h.register("", nil)        // the reply gets lost
			h.register(old, ErrLeased) // even before the new holder has beaten
			fresh := h.register("", nil)
			h.beat(fresh, nil)
			h.beat(old, ErrLeased)
			h.register(old, ErrLeased)
		},
		"a silent holder that returns with its lease is just up again": func(h holder) {
			lease := h.register("", nil)
			h.beat(lease, nil)
			h.c.advance(time.Hour)
			h.beat(lease, nil)
		},
		"a member that left is unknown until it registers, and anybody may": func(h holder) {
			lease := h.register("", nil)
			change, err := h.r.Leave(context.Background(), "a", lease)
			if err != nil {
				h.t.Fatal(err)
			}
			h.r.Apply(change)
			if c, _ := find(h.r, "a"); c.Up {
				h.t.Error("a member that left is up")
			}
			h.beat(lease, ErrUnknown)
			h.beat(h.register("", nil), nil)
		},
		"after a reset the next process may register": func(h holder) {
			h.register("", nil)
			change, err := h.r.ResetLease(context.Background(), "a")
			if err != nil {
				h.t.Fatal(err)
			}
			h.r.Apply(change)
			h.beat(h.register("", nil), nil)
		},
	} {
		t.Run(name, func(t *testing.T) { play(newHolder(t)) })
	}
}

func TestLeavingNeedsTheCurrentLeaseEvenWhereNoneIsRequired(t *testing.T) {
	r := newTest(newClock(), nil)
	lease := join(t, r, Registration{Identity: "a", Fleet: "asia"}).Lease
	for _, wrong := range []string{"", "wrong"} {
		if _, err := r.Leave(context.Background(), "a", wrong); !errors.Is(err, ErrLeased) {
			t.Errorf("leave with lease %q: %v, want ErrLeased", wrong, err)
		}
	}
	if _, err := r.Leave(context.Background(), "ghost", lease); !errors.Is(err, ErrUnknown) {
		t.Errorf("leave of a stranger: %v, want ErrUnknown", err)
	}
	if c, _ := find(r, "a"); !c.Up {
		t.Error("a refused leave changed something")
	}
}

func TestWithoutRequirementALeaseIsNoGate(t *testing.T) {
	r := newTest(newClock(), nil)
	join(t, r, Registration{Identity: "a", Fleet: "asia"})
	for _, lease := range []string{"", "wrong"} {
		if _, err := r.Heartbeat("a", lease, here); err != nil {
			t.Errorf("heartbeat with lease %q: %v", lease, err)
		}
		join(t, r, Registration{Identity: "a", Fleet: "asia", Lease: lease})
	}
}

// TestAdmitsSaysWhatHeartbeatWouldAndSpendsNothing asks before each beat.
func TestAdmitsSaysWhatHeartbeatWouldAndSpendsNothing(t *testing.T) {
	for _, required := range []bool{true, false} {
		c := newClock()
		r := newTest(c, func(o *Options) { o.HeartbeatBurst, o.RequireLease = 2, required })
		lease := join(t, r, Registration{Identity: "a", Fleet: "asia"}).Lease
		gone := join(t, r, Registration{Identity: "gone", Fleet: "asia"}).Lease
		leaving, err := r.Leave(context.Background(), "gone", gone)
		if err != nil {
			t.Fatal(err)
		}
		r.Apply(leaving)
		for i, tc := range []struct {
			identity, lease string
			want            error
		}{
			{"ghost", lease, ErrUnknown},
			{"gone", gone, ErrUnknown},
			{"a", lease, nil},
			{"a", lease, nil},
			{"a", lease, ErrHeartbeatRate},
		} {
			for range 5 {
				if got := r.Admits(tc.identity, tc.lease); got != (tc.want == nil) {
					t.Errorf("lease required %v, step %d: admits %v", required, i, got)
				}
			}
			beat, err := r.Heartbeat(tc.identity, tc.lease, here)
			if !errors.Is(err, tc.want) {
				t.Errorf("lease required %v, step %d: %v, want %v", required, i, err, tc.want)
			}
			if beat.Confirm != nil {
				r.Apply(beat.Confirm)
			}
		}
		c.advance(time.Minute)
		join(t, r, Registration{Identity: "a", Fleet: "asia", Lease: lease})
		if got := r.Admits("a", "wrong"); got != !required {
			t.Errorf("lease required %v: a wrong one is admitted: %v", required, got)
		}
	}
}

func TestSpendAsHolder(t *testing.T) {
	r := newTest(newClock(), func(o *Options) { o.HeartbeatBurst = 1 })
	lease := join(t, r, Registration{Identity: "a", Fleet: "asia"}).Lease
	type answer struct{ holder, allowed bool }
	for i, tc := range []struct {
		lease string
		want  answer
	}{{"wrong", answer{false, false}}, {lease, answer{true, true}}, {lease, answer{true, false}}} {
		var got answer
		if got.holder, got.allowed = r.SpendAsHolder("a", tc.lease); got != tc.want {
			t.Errorf("step %d: %+v, want %+v", i, got, tc.want)
		}
	}
}

func TestConflicts(t *testing.T) {
	type sign struct {
		after int // seconds
		lease string
		from  Sender
	}
	for name, tc := range map[string]struct {
		signs []sign
		want  int
	}{
		"one sender is none":                        {[]sign{{0, "x", here}, {5, "x", here}, {5, "x", there}}, 0},
		"a restart with a new lease is none":        {[]sign{{0, "x", here}, {5, "y", there}, {5, "y", there}, {5, "y", there}}, 0},
		"two leases in turn are one":                {[]sign{{0, "x", here}, {5, "y", here}, {5, "x", here}}, 1},
		"it is counted once per TTL":                {[]sign{{0, "x", here}, {5, "y", here}, {5, "x", here}, {5, "y", here}, {4, "x", here}}, 1},
		"and again after a TTL":                     {[]sign{{0, "x", here}, {5, "y", here}, {5, "x", here}, {10, "y", here}, {10, "x", here}}, 2},
		"addresses in turn count where no lease is": {[]sign{{0, "", here}, {5, "", there}, {5, "", here}}, 1},
		"a new address alone is none":               {[]sign{{0, "", here}, {5, "", there}, {5, "", there}}, 0},
		"three processes in turn are one":           {[]sign{{0, "x", here}, {5, "y", here}, {5, "z", here}, {5, "x", here}, {5, "y", here}}, 1},
		"four addresses in turn are one":            {[]sign{{0, "", here}, {4, "", there}, {4, "", elsewhere}, {4, "", farAway}, {4, "", here}}, 1},
		"restarts one after the other are none":     {[]sign{{0, "v", here}, {4, "w", here}, {4, "x", here}, {4, "y", here}, {4, "z", here}, {4, "z", here}}, 0},
		"a return after more than a TTL is none":    {[]sign{{0, "x", here}, {15, "y", here}, {15, "x", here}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			r := newTest(c, nil)
			join(t, r, Registration{Identity: "a", Fleet: "asia"})
			got := 0
			for _, s := range tc.signs {
				c.advance(time.Duration(s.after) * time.Second)
				b, err := r.Heartbeat("a", s.lease, s.from)
				if err != nil {
					t.Fatal(err)
				}
				if b.Conflict {
					got++
				}
			}
			if got != tc.want {
				t.Errorf("%d conflicts, want %d", got, tc.want)
			}
		})
	}
}
