package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestNumbersCountPerFleetAndAreNeverReused(t *testing.T) {
	c := newClock()
	r := newTest(c, nil)
	for _, step := range []struct {
		identity, fleet string
		want            int
	}{
		{"a", "asia", 1}, {"b", "asia", 2}, {"c", "europe", 1}, {"d", "asia", 3}, {"a", "asia", 1},
	} {
		if got := number(t, r, step.identity, step.fleet); got != step.want {
			t.Errorf("%s in %s: number %d, want %d", step.identity, step.fleet, got, step.want)
		}
	}
	c.advance(100 * time.Second)
	for _, identity := range []string{"a", "b", "c", "d"} {
		change, err := r.Retire(context.Background(), identity, false, true)
		if err != nil {
			t.Fatal(err)
		}
		r.Apply(change)
	}
	if got := r.Count(); got != 0 {
		t.Errorf("count after purging all: %d", got)
	}
	if got := number(t, r, "e", "asia"); got != 4 {
		t.Errorf("first newcomer after a purge: number %d, want 4", got)
	}
}

func TestTwentyIdentitiesKeepTheirNumbersOverTwentyExpiries(t *testing.T) {
	c := newClock()
	r := newTest(c, nil)
	for cycle := range 20 {
		for i := range 20 {
			if got := number(t, r, fmt.Sprintf("bot-%d", i), "asia"); got != i+1 {
				t.Fatalf("cycle %d: bot-%d has number %d", cycle, i, got)
			}
		}
		c.advance(time.Hour)
	}
}

func TestMovingBackRestoresTheNumber(t *testing.T) {
	r := newTest(newClock(), nil)
	number(t, r, "a", "asia")
	number(t, r, "b", "asia")
	number(t, r, "x", "europe")
	moved := join(t, r, Registration{Identity: "b", Fleet: "europe"})
	if moved.Record.Number() != 2 || moved.MovedFrom != "asia" {
		t.Errorf("after the move: number %d, moved from %q; want 2 from asia", moved.Record.Number(), moved.MovedFrom)
	}
	if got := number(t, r, "c", "asia"); got != 3 {
		t.Errorf("newcomer in the fleet that was left: number %d, want 3", got)
	}
	if got := number(t, r, "b", "asia"); got != 2 {
		t.Errorf("moved back: number %d, want 2", got)
	}
}

func TestRetiredIdentityReturnsWithItsNumber(t *testing.T) {
	c := newClock()
	r := newTest(c, func(o *Options) { o.MaxClusters = 2 })
	number(t, r, "a", "asia")
	number(t, r, "b", "asia")
	if _, err := r.Retire(context.Background(), "b", false, false); !errors.Is(err, ErrAlive) {
		t.Fatalf("retiring a live cluster: %v, want ErrAlive", err)
	}
	change, err := r.Retire(context.Background(), "b", true, false)
	if err != nil {
		t.Fatal(err)
	}
	r.Apply(change)
	if _, listed := find(r, "b"); listed || r.Count() != 1 {
		t.Errorf("a retired cluster is listed or counted (%d)", r.Count())
	}
	if _, err := r.Heartbeat("b", "", here); !errors.Is(err, ErrUnknown) {
		t.Errorf("heartbeat of a retired cluster: %v, want ErrUnknown", err)
	}
	if got := number(t, r, "c", "asia"); got != 3 {
		t.Errorf("newcomer: number %d, want 3", got)
	}
	if _, err := r.Register(context.Background(), Registration{Identity: "b", Fleet: "asia"}); !errors.Is(err, ErrFull) {
		t.Errorf("return into a full fleet: %v, want ErrFull", err)
	}
	r.options.MaxClusters = 3
	if got := number(t, r, "b", "asia"); got != 2 {
		t.Errorf("returned: number %d, want 2", got)
	}
}

func TestAbortedDraftBurnsItsNumberAndStaysInvisible(t *testing.T) {
	r := newTest(newClock(), nil)
	change, err := r.Register(context.Background(), Registration{Identity: "a", Fleet: "asia"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Count() != 0 {
		t.Error("a draft is visible before it is durable")
	}
	if _, err := r.Heartbeat("a", change.Lease, here); !errors.Is(err, ErrUnknown) {
		t.Errorf("heartbeat during the draft: %v, want ErrUnknown", err)
	}
	r.Abort(change)
	if r.Count() != 0 {
		t.Error("an aborted draft is visible")
	}
	if got := number(t, r, "b", "asia"); got != 2 {
		t.Errorf("number after an aborted draft: %d, want 2 (1 is burnt)", got)
	}
}

func TestOneDraftPerIdentity(t *testing.T) {
	r := newTest(newClock(), nil)
	first, err := r.Register(context.Background(), Registration{Identity: "a", Fleet: "asia"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Register(ctx, Registration{Identity: "a", Fleet: "asia"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("second register while the first is open: %v, want it to wait", err)
	}
	second := make(chan int, 1)
	go func() {
		change, err := r.Register(context.Background(), Registration{Identity: "a", Fleet: "asia"})
		if err != nil {
			second <- -1
			return
		}
		r.Apply(change)
		second <- change.Record.Number()
	}()
	r.Apply(first)
	if got := <-second; got != 1 {
		t.Errorf("the register that waited got number %d, want 1", got)
	}
}

// tryRegister registers and applies; the error is the registry's.
func tryRegister(r *Registry, identity, fleet string) error {
	change, err := r.Register(context.Background(), Registration{Identity: identity, Fleet: fleet})
	if err == nil {
		r.Apply(change)
	}
	return err
}

// attempt is one register of a sequence and how it must end.
type attempt struct {
	identity, fleet string
	want            error
}

func (a attempt) make(t *testing.T, r *Registry) {
	t.Helper()
	if err := tryRegister(r, a.identity, a.fleet); !errors.Is(err, a.want) {
		t.Errorf("%s in %s: %v, want %v", a.identity, a.fleet, err, a.want)
	}
}

// TestCaps plays registers; the second of each sequence is still a draft while
// the third is made.
func TestCaps(t *testing.T) {
	for name, tc := range map[string]struct {
		clusters, fleets int
		attempts         []attempt
	}{
		"a third identity is refused at two, a known one never": {2, 500, []attempt{
			{"a", "asia", nil}, {"b", "asia", nil}, {"c", "asia", ErrFull}, {"c", "asia", ErrFull}, {"a", "asia", nil},
		}},
		"a region counts while it has entries": {1000, 2, []attempt{
			{"a", "asia", nil},
			{"b", "europe", nil},
			{"c", "africa", ErrTooManyFleets},
			{"c", "africa", ErrTooManyFleets},
			{"c", "asia", nil},
			{"b", "asia", nil},
			{"c", "africa", nil},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTest(newClock(), func(o *Options) { o.MaxClusters, o.MaxFleets = tc.clusters, tc.fleets })
			tc.attempts[0].make(t, r)
			draft, err := r.Register(context.Background(), Registration{Identity: tc.attempts[1].identity, Fleet: tc.attempts[1].fleet})
			if err != nil {
				t.Fatal(err)
			}
			tc.attempts[2].make(t, r)
			r.Apply(draft)
			for _, a := range tc.attempts[3:] {
				a.make(t, r)
			}
		})
	}
}

func TestOneIdentityCannotCollectFleetsWithoutEnd(t *testing.T) {
	r := newTest(newClock(), nil)
	for i := range maxFleetsOfOne {
		attempt{"a", fmt.Sprint("fleet-", i), nil}.make(t, r)
	}
	attempt{"a", "one more", ErrTooManyFleets}.make(t, r)
	attempt{"a", "fleet-0", nil}.make(t, r)
}

func TestFleetsWithoutEndAreRefusedWhoeverMoves(t *testing.T) {
	r := newTest(newClock(), func(o *Options) { o.MaxClusters = maxFleetsEver })
	for i := range maxFleetsEver {
		attempt{fmt.Sprint("bot-", i/maxFleetsOfOne), fmt.Sprint("fleet-", i), nil}.make(t, r)
	}
	attempt{"newcomer", "one more", ErrTooManyFleets}.make(t, r)
	attempt{"newcomer", "fleet-0", nil}.make(t, r) // deserted, but known
	if deserted, lived := r.CountOf("fleet-1"), r.CountOf("fleet-0"); deserted != 0 || lived != 1 {
		t.Errorf("%d and %d are counted, want none where all have left and one newcomer", deserted, lived)
	}
}

func TestNames(t *testing.T) {
	for name, tc := range map[string]struct {
		identity, fleet string
		want            string
	}{
		"an identity of 128 characters is accepted": {strings.Repeat("é", 128), "asia", ""},
		"an identity of 129 characters is refused":  {strings.Repeat("a", 129), "asia", "identity must have at most 128 characters"},
		"an empty identity is refused":              {"", "asia", "identity required"},
		"a newline in an identity is refused":       {"a\nb", "asia", "identity must not hold control characters"},
		"a fleet of 64 characters is refused":       {"a", strings.Repeat("f", 64), "fleet must have at most 63 characters"},
		"an escape in a fleet is refused":           {"a", "as\x1bia", "fleet must not hold control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newTest(newClock(), nil).Register(context.Background(), Registration{Identity: tc.identity, Fleet: tc.fleet})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("an imported identity may be longer", func(t *testing.T) {
		long := strings.Repeat("a", 300)
		r := newTest(newClock(), nil)
		r.Restore(State{Records: []Record{{Identity: long, Fleet: long, Numbers: map[string]int{long: 7}}}})
		if got := number(t, r, long, long); got != 7 {
			t.Errorf("number %d, want 7", got)
		}
	})
}

func TestVersionIsTidied(t *testing.T) {
	r := newTest(newClock(), nil)
	join(t, r, Registration{Identity: "a", Fleet: "asia", Version: "1.2\n" + strings.Repeat("x", 100)})
	c, _ := find(r, "a")
	if want := "1.2" + strings.Repeat("x", 61); c.Version != want {
		t.Errorf("version %q, want %q", c.Version, want)
	}
}

func TestScrapeTargetStaysUnlessSaid(t *testing.T) {
	r := newTest(newClock(), nil)
	target, nothing := "10.0.0.1:9191", ""
	for _, step := range []struct {
		say  *string
		want string
	}{{&target, target}, {nil, target}, {&nothing, ""}} {
		join(t, r, Registration{Identity: "a", Fleet: "asia", ScrapeTarget: step.say})
		if c, _ := find(r, "a"); c.ScrapeTarget != step.want {
			t.Errorf("scrape target %q, want %q", c.ScrapeTarget, step.want)
		}
	}
}
