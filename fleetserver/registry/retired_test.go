package registry

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func retire(t *testing.T, r *Registry, identity string) {
	t.Helper()
	change, err := r.Retire(context.Background(), identity, true, false)
	if err != nil {
		t.Fatalf("retiring %q: %v", identity, err)
	}
	r.Apply(change)
}

func identitiesOf(changes []*Change) []string {
	var identities []string
	for _, change := range changes {
		identities = append(identities, change.Record.Identity)
	}
	return identities
}

// crowded returns a registry that remembers three retired identities at the
// most, and has retired five: bot-1 first, with number 1, and so on.
func crowded(t *testing.T, c *clock) *Registry {
	t.Helper()
	r := newTest(c, func(o *Options) { o.MaxRetired = 3 })
	for i := 1; i <= 5; i++ {
		identity := fmt.Sprint("bot-", i)
		number(t, r, identity, "asia")
		c.advance(time.Second)
		retire(t, r, identity)
	}
	return r
}

func TestTheFirstToBeRetiredAreForgottenBeyondTheCap(t *testing.T) {
	r := crowded(t, newClock())
	surplus := r.Surplus()
	if diff := cmp.Diff([]string{"bot-1", "bot-2"}, identitiesOf(surplus)); diff != "" {
		t.Fatalf("surplus (-want +got)\n%s", diff)
	}
	if again := r.Surplus(); again != nil {
		t.Errorf("%v are drafted twice", identitiesOf(again))
	}
	r.Apply(surplus[0])
	r.Abort(surplus[1]) // the disk refuses
	if diff := cmp.Diff([]string{"bot-2"}, identitiesOf(r.Surplus())); diff != "" {
		t.Errorf("surplus after a refusal (-want +got)\n%s", diff)
	}
	if got := r.CountRetired(); got != 4 {
		t.Errorf("%d are remembered, want 4", got)
	}
	for _, tc := range []struct {
		identity string
		want     int
	}{{"bot-1", 6}, {"bot-5", 5}, {"newcomer", 7}} {
		if got := number(t, r, tc.identity, "asia"); got != tc.want {
			t.Errorf("%s returns with number %d, want %d", tc.identity, got, tc.want)
		}
	}
}

func TestWhoReturnsIsNoSurplusAndRetiresAsTheLast(t *testing.T) {
	c := newClock()
	r := crowded(t, c)
	if got := number(t, r, "bot-1", "asia"); got != 1 {
		t.Errorf("number %d, want 1", got)
	}
	retire(t, r, "bot-1")
	want := []string{"bot-2", "bot-3"}
	if diff := cmp.Diff(want, identitiesOf(r.Surplus())); diff != "" {
		t.Errorf("surplus (-want +got)\n%s", diff)
	}
	restarted := newTest(c, func(o *Options) { o.MaxRetired = 3 })
	state := r.State()
	slices.Reverse(state.Records)
	restarted.Restore(state)
	if diff := cmp.Diff(want, identitiesOf(restarted.Surplus())); diff != "" {
		t.Errorf("surplus after a restart (-want +got)\n%s", diff)
	}
}

func TestWhoIsJustReturningIsNoSurplus(t *testing.T) {
	r := crowded(t, newClock())
	returning, err := r.Register(context.Background(), Registration{Identity: "bot-1", Fleet: "asia"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bot-2"}, identitiesOf(r.Surplus())); diff != "" {
		t.Errorf("surplus (-want +got)\n%s", diff)
	}
	r.Apply(returning)
	if got, _ := find(r, "bot-1"); got.Number != 1 {
		t.Errorf("it returned with number %d, want 1", got.Number)
	}
}

func TestARetiredIdentityKeepsWhatItReturnsWithAndNothingElse(t *testing.T) {
	c := newClock()
	first := c.at
	r := newTest(c, nil)
	target := "10.0.0.1:9191"
	join(t, r, Registration{Identity: "a", Fleet: "asia", Version: "1", ScrapeTarget: &target})
	number(t, r, "a", "europe")
	c.advance(time.Minute)
	retire(t, r, "a")
	want := []Record{{
		Identity: "a", Fleet: "europe", Numbers: map[string]int{"asia": 1, "europe": 1}, FirstSeen: first, Registrations: 2,
		Retired: true, RetiredAt: c.at,
	}}
	if diff := cmp.Diff(want, r.State().Records); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c.advance(time.Minute)
	back := join(t, r, Registration{Identity: "a", Fleet: "asia"})
	got, _ := find(r, "a")
	want = []Record{{
		Identity: "a", Fleet: "asia", Numbers: map[string]int{"asia": 1, "europe": 1}, FirstSeen: first, RegisteredAt: c.at, Registrations: 3,
		Pending: back.Record.Pending,
	}}
	if diff := cmp.Diff(want, r.State().Records); diff != "" || !got.Up || !back.New {
		t.Errorf("back up %v, new %v (-want +got)\n%s", got.Up, back.New, diff)
	}
}

// TestOlderStatesWithRetiredIdentities restores one whose records are whole and
// say nothing of when they were retired.
func TestOlderStatesWithRetiredIdentities(t *testing.T) {
	c := newClock()
	var state State
	for i, identity := range []string{"b", "a"} {
		state.Records = append(state.Records, Record{
			Identity: identity, Fleet: "asia", Numbers: map[string]int{"asia": i + 1}, RegisteredAt: c.at.Add(time.Duration(-i) * time.Hour), Retired: true,
		})
	}
	r := newTest(c, func(o *Options) { o.MaxRetired = 1 })
	r.Restore(state)
	if diff := cmp.Diff([]string{"a"}, identitiesOf(r.Surplus())); diff != "" {
		t.Errorf("surplus (-want +got)\n%s", diff)
	}
	if got := number(t, r, "b", "asia"); got != 1 {
		t.Errorf("number %d, want 1", got)
	}
}

func TestWithoutACapNobodyIsForgotten(t *testing.T) {
	r := crowded(t, newClock())
	r.options.MaxRetired = 0
	if surplus := r.Surplus(); surplus != nil {
		t.Errorf("surplus %v", identitiesOf(surplus))
	}
}
