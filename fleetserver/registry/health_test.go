package registry

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	here      = Sender{Remote: netip.MustParseAddr("10.0.0.1")}
	there     = Sender{Remote: netip.MustParseAddr("10.0.0.2")}
	elsewhere = Sender{Remote: netip.MustParseAddr("10.0.0.3")}
	farAway   = Sender{Remote: netip.MustParseAddr("10.0.0.4")}
)

func beat(t *testing.T, r *Registry, identity string) {
	t.Helper()
	if _, err := r.Heartbeat(identity, "", here); err != nil {
		t.Fatalf("heartbeat of %q: %v", identity, err)
	}
}

func TestSilenceMakesDownAndABeatMakesUp(t *testing.T) {
	c := newClock()
	r := newTest(c, nil)
	number(t, r, "a", "asia")
	for _, step := range []struct {
		pass time.Duration
		beat bool
		up   bool
	}{
		{20 * time.Second, false, true}, // the TTL is inclusive
		{time.Nanosecond, false, false},
		{50 * time.Second, true, true},
		{10 * time.Second, false, true},
	} {
		c.advance(step.pass)
		if step.beat {
			beat(t, r, "a")
		}
		if got, _ := find(r, "a"); got.Up != step.up || got.Number != 1 {
			t.Errorf("at %s: up %v number %d, want %v and 1", c.at.Format(time.TimeOnly), got.Up, got.Number, step.up)
		}
	}
}

func TestGoingDownAndComingUpAreToldOnce(t *testing.T) {
	c := newClock()
	r := newTest(c, nil)
	number(t, r, "a", "asia")
	for _, step := range []struct {
		pass   time.Duration
		beat   bool
		cameUp bool
		down   int
	}{
		{0, true, false, 0},
		{20 * time.Second, false, false, 0},
		{time.Second, false, false, 1},
		{time.Second, false, false, 0},
		{time.Second, true, true, 0},
		{time.Second, true, false, 0},
		{time.Minute, false, false, 1},
	} {
		c.advance(step.pass)
		cameUp := false
		if step.beat {
			b, err := r.Heartbeat("a", "", here)
			if err != nil {
				t.Fatal(err)
			}
			cameUp = b.CameUp
		}
		down, _ := r.Sweep()
		if cameUp != step.cameUp || len(down) != step.down {
			t.Errorf("at %s: came up %v, %d went down; want %v and %d", c.at.Format(time.TimeOnly), cameUp, len(down), step.cameUp, step.down)
		}
	}
}

func TestRetentionNamesOnlyWhatIsLongDown(t *testing.T) {
	c := newClock()
	r := newTest(c, func(o *Options) { o.Retention = 24 * time.Hour })
	number(t, r, "a", "asia")
	number(t, r, "b", "asia")
	for range 2 * 24 * 60 {
		c.advance(time.Minute)
		beat(t, r, "b")
	}
	_, expired := r.Sweep()
	if diff := cmp.Diff([]string{"a"}, expired); diff != "" {
		t.Errorf("expired (-want +got)\n%s", diff)
	}
	if _, never := newTest(c, nil).Sweep(); never != nil {
		t.Errorf("without a retention something expired: %v", never)
	}
}

func TestRestoreGivesTheLivingOneTTLAndTheDeadNone(t *testing.T) {
	c := newClock()
	old := newTest(c, nil)
	number(t, old, "dead", "asia")
	number(t, old, "gone", "asia")
	leaving, err := old.Leave(context.Background(), "gone", join(t, old, Registration{Identity: "gone", Fleet: "asia"}).Lease)
	if err != nil {
		t.Fatal(err)
	}
	old.Apply(leaving)
	c.advance(time.Minute)
	number(t, old, "alive", "asia")
	c.advance(5 * time.Second)
	saved := old.State()

	c.advance(12 * time.Hour) // nobody's fault
	r := newTest(c, func(o *Options) { o.Retention = time.Hour })
	r.Restore(saved)
	want := map[string]bool{"alive": true, "dead": false, "gone": false}
	check := func(when string) {
		t.Helper()
		for identity, up := range want {
			if got, ok := find(r, identity); !ok || got.Up != up {
				t.Errorf("%s: %s up = %v, want %v", when, identity, got.Up, up)
			}
		}
	}
	check("at the start")
	c.advance(20 * time.Second)
	check("one TTL later")
	c.advance(time.Second)
	want["alive"] = false
	check("after that")
	if _, expired := r.Sweep(); expired != nil {
		t.Errorf("the outage was counted against %v", expired)
	}
	c.advance(time.Hour)
	if _, expired := r.Sweep(); len(expired) != 3 {
		t.Errorf("after the retention expired = %v, want all three", expired)
	}
	if got := number(t, r, "new", "asia"); got != 4 {
		t.Errorf("number after a restore: %d, want 4", got)
	}
}

func TestARegisterAndAConfirmationAreSignsOfLifeToSaveWithThem(t *testing.T) {
	c := newClock()
	r := newTest(c, nil)
	joined := join(t, r, Registration{Identity: "a", Fleet: "asia"})
	if diff := cmp.Diff(map[string]Sign{"a": {c.at, new(time.Duration(0))}}, joined.Seen()); diff != "" {
		t.Errorf("register (-want +got)\n%s", diff)
	}
	c.advance(time.Second)
	confirming, err := r.Heartbeat("a", joined.Lease, here)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Sign{"a": {c.at, new(time.Second)}}, confirming.Confirm.Seen()); diff != "" {
		t.Errorf("confirmation (-want +got)\n%s", diff)
	}
	r.Apply(confirming.Confirm)
	c.advance(time.Second)
	leaving, err := r.Leave(context.Background(), "a", joined.Lease)
	if err != nil {
		t.Fatal(err)
	}
	if got := leaving.Seen(); got != nil {
		t.Errorf("a goodbye is the sign of life %v", got)
	}
}

func TestUnsavedHandsOutEachSignOfLifeOnce(t *testing.T) {
	c := newClock()
	r := newTest(c, nil)
	number(t, r, "a", "asia")
	c.advance(time.Second)
	first, until := r.Unsaved()
	if diff := cmp.Diff(map[string]Sign{"a": {c.at.Add(-time.Second), new(time.Duration(0))}}, first); diff != "" {
		t.Errorf("first (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(Sign{c.at, new(time.Second)}, until); diff != "" {
		t.Errorf("until (-want +got)\n%s", diff)
	}
	if again, _ := r.Unsaved(); len(again) != 0 {
		t.Errorf("nothing happened, yet %v is unsaved", again)
	}
	r.Resave(first)
	if again, _ := r.Unsaved(); len(again) != 1 {
		t.Error("a failed save is forgotten")
	}
}

// TestAStepOfTheWallClockMakesNobodyOlder plays a clock that was set forward by
// a day after a beat, and back before it: the next start goes by the on-time.
func TestAStepOfTheWallClockMakesNobodyOlder(t *testing.T) {
	for _, step := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		c := newClock()
		old := newTest(c, nil)
		number(t, old, "alive", "asia")
		number(t, old, "dead", "asia")
		c.advance(time.Minute)
		beat(t, old, "alive")
		saved := old.State()
		saved.LastRun.At = saved.LastRun.At.Add(step)
		c.at = c.at.Add(step)
		r := newTest(c, nil)
		r.Restore(saved)
		for identity, want := range map[string]bool{"alive": true, "dead": false} {
			if got, _ := find(r, identity); got.Up != want {
				t.Errorf("a step of %s: %s is up %v, want %v", step, identity, got.Up, want)
			}
		}
	}
}

func TestHeartbeatRateIsTheIdentitysOwn(t *testing.T) {
	c := newClock()
	r := newTest(c, func(o *Options) { o.HeartbeatBurst = 2 })
	number(t, r, "a", "asia")
	number(t, r, "b", "asia")
	beat(t, r, "a")
	beat(t, r, "a")
	if _, err := r.Heartbeat("a", "", here); !errors.Is(err, ErrHeartbeatRate) {
		t.Errorf("third beat of two: %v, want ErrHeartbeatRate", err)
	}
	beat(t, r, "b")
	c.advance(30 * time.Second)
	beat(t, r, "a")
	if _, err := r.Heartbeat("a", "", here); !errors.Is(err, ErrHeartbeatRate) {
		t.Errorf("half a window refills more than one: %v", err)
	}
}
