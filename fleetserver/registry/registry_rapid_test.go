package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

const modelTTL = 20 * time.Second

// ghost is what the model keeps of one incarnation of an identity; purging it
// begins another one.
type ghost struct {
	identity      string
	incarnation   int
	numbers       map[string]int
	fleet         string
	lease, former string
	listed, left  bool
	// heard is when it was last heard, as the wall clock said, and silent is
	// its age: see restart.
	heard  time.Time
	silent time.Duration
}

func (g *ghost) up() bool { return g.listed && !g.left && g.silent <= modelTTL }

type seat struct {
	fleet  string
	number int
}

// machine runs a registry and the model of it side by side.
type machine struct {
	required bool
	at       time.Time
	real     *registry.Registry
	ghosts   map[string]*ghost
	// owner is who was ever given a number: identity and incarnation, or that
	// the number was burnt.
	owner map[seat]string
	top   map[string]int
}

func newMachine(t *rapid.T) *machine {
	m := &machine{
		required: rapid.Bool().Draw(t, "lease required"),
		at:       time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
		ghosts:   map[string]*ghost{}, owner: map[seat]string{}, top: map[string]int{},
	}
	m.real = m.empty()
	return m
}

func (m *machine) empty() *registry.Registry {
	return registry.New(registry.Options{
		TTL: modelTTL, MaxClusters: 1000, MaxFleets: 100, HeartbeatBurst: 1 << 20, RequireLease: m.required,
		Pepper: []byte("pepper"), Now: func() time.Time { return m.at },
	})
}

func (m *machine) draw(t *rapid.T) *ghost {
	identity := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "identity")
	if m.ghosts[identity] == nil {
		m.ghosts[identity] = &ghost{identity: identity, numbers: map[string]int{}}
	}
	return m.ghosts[identity]
}

// give checks a number that was drawn or is kept.
func (m *machine) give(t *rapid.T, g *ghost, fleet string, number int) {
	who := fmt.Sprintf("%s/%d", g.identity, g.incarnation)
	if before := g.numbers[fleet]; before != 0 && before != number {
		t.Fatalf("%s had number %d in %s and has %d now", who, before, fleet, number)
	}
	if owner, taken := m.owner[seat{fleet, number}]; taken && owner != who {
		t.Fatalf("%s has number %d in %s, which was %s's", who, number, fleet, owner)
	}
	if g.numbers[fleet] == 0 && number != m.top[fleet]+1 {
		t.Fatalf("%s drew number %d in %s, want %d", who, number, fleet, m.top[fleet]+1)
	}
	m.owner[seat{fleet, number}] = who
	m.top[fleet] = max(m.top[fleet], number)
}

func (m *machine) register(t *rapid.T) {
	g := m.draw(t)
	fleet := rapid.SampledFrom([]string{"asia", "europe", "africa"}).Draw(t, "fleet")
	lease := rapid.SampledFrom([]string{g.lease, g.former, "stolen", ""}).Draw(t, "lease")
	holds := lease != "" && (lease == g.lease || lease == g.former)
	change, err := m.real.Register(context.Background(), registry.Registration{Identity: g.identity, Fleet: fleet, Lease: lease})
	if m.required && g.up() && g.lease != "" && !holds {
		if !errors.Is(err, registry.ErrLeased) {
			t.Fatalf("a stranger registers %s: %v", g.identity, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("registering %s: %v", g.identity, err)
	}
	number := change.Record.Number()
	m.give(t, g, fleet, number)
	if rapid.IntRange(0, 4).Draw(t, "the disk refuses") == 0 {
		m.real.Abort(change)
		if g.numbers[fleet] == 0 {
			m.owner[seat{fleet, number}] = "burnt" // and nobody will have it
		}
		return
	}
	m.real.Apply(change)
	former := ""
	if holds {
		former = lease
	}
	g.numbers[fleet], g.fleet = number, fleet
	g.lease, g.former = change.Lease, former
	g.listed, g.left, g.heard, g.silent = true, false, m.at, 0
}

// refusal is what a heartbeat under a lease must meet.
func (m *machine) refusal(g *ghost, lease string) error {
	switch stranger := m.required && g.lease != "" && lease != g.lease; {
	case !g.listed || g.left || (stranger && !g.up()):
		return registry.ErrUnknown
	case stranger:
		return registry.ErrLeased
	}
	return nil
}

func (m *machine) beat(t *rapid.T) {
	g := m.draw(t)
	lease := rapid.SampledFrom([]string{g.lease, g.former, "stolen", ""}).Draw(t, "lease")
	beat, err := m.real.Heartbeat(g.identity, lease, netip.MustParseAddr("192.0.2.1"))
	if want := m.refusal(g, lease); !errors.Is(err, want) {
		t.Fatalf("heartbeat of %s: %v, want %v", g.identity, err, want)
	}
	if err != nil {
		return
	}
	g.heard, g.silent = m.at, 0
	if beat.Number != g.numbers[g.fleet] || beat.Fleet != g.fleet {
		t.Fatalf("%s is number %d in %s, want %d in %s", g.identity, beat.Number, beat.Fleet, g.numbers[g.fleet], g.fleet)
	}
	if beat.Confirm == nil {
		return
	}
	if rapid.IntRange(0, 2).Draw(t, "the disk refuses") == 0 {
		m.real.Abort(beat.Confirm) // it stays pending
		return
	}
	m.real.Apply(beat.Confirm)
	g.former = ""
}

func (m *machine) leave(t *rapid.T) {
	g := m.draw(t)
	lease := rapid.SampledFrom([]string{g.lease, g.former, "stolen"}).Draw(t, "lease")
	change, err := m.real.Leave(context.Background(), g.identity, lease)
	var want error
	switch {
	case !g.listed || g.left:
		want = registry.ErrUnknown
	case g.lease == "" || lease != g.lease:
		want = registry.ErrLeased
	}
	if !errors.Is(err, want) {
		t.Fatalf("%s leaves: %v, want %v", g.identity, err, want)
	}
	if err == nil {
		m.real.Apply(change)
		g.left, g.lease, g.former = true, "", ""
	}
}

func (m *machine) retire(t *rapid.T) {
	g := m.draw(t)
	force, purge := rapid.Bool().Draw(t, "force"), rapid.IntRange(0, 3).Draw(t, "purge") == 0
	known := len(g.numbers) > 0
	change, err := m.real.Retire(context.Background(), g.identity, force, purge)
	var want error
	switch {
	case !known || (!g.listed && !purge):
		want = registry.ErrUnknown
	case !force && g.up():
		want = registry.ErrAlive
	}
	if !errors.Is(err, want) {
		t.Fatalf("retiring %s: %v, want %v", g.identity, err, want)
	}
	if err != nil {
		return
	}
	m.real.Apply(change)
	g.listed, g.lease, g.former = false, "", ""
	if purge {
		m.ghosts[g.identity] = &ghost{identity: g.identity, incarnation: g.incarnation + 1, numbers: map[string]int{}}
	}
}

func (m *machine) resetLease(t *rapid.T) {
	g := m.draw(t)
	change, err := m.real.ResetLease(context.Background(), g.identity)
	if g.listed == errors.Is(err, registry.ErrUnknown) {
		t.Fatalf("resetting the lease of %s: %v", g.identity, err)
	}
	if err == nil {
		m.real.Apply(change)
		g.lease, g.former = "", ""
	}
}

func (m *machine) pass(t *rapid.T) {
	seconds := time.Duration(rapid.IntRange(1, 30).Draw(t, "seconds")) * time.Second
	m.at = m.at.Add(seconds)
	for _, g := range m.ghosts {
		g.silent += seconds
	}
}

// restart is one with a clock that stands somewhere else afterwards, as after
// an outage or a correction. That counts for nobody: the age at the start is
// from the last sign of life to the stop, and who was alive then has a full TTL.
func (m *machine) restart(t *rapid.T) {
	state, stopped := m.real.State(), m.at
	m.at = m.at.Add(time.Duration(rapid.IntRange(-48*3600, 48*3600).Draw(t, "the clock jumps by")) * time.Second)
	m.real = m.empty()
	m.real.Restore(state)
	for _, g := range m.ghosts {
		if g.silent = max(stopped.Sub(g.heard), 0); g.silent <= modelTTL {
			g.silent = 0
		}
	}
}

// check compares what is listed with the model.
func (m *machine) check(t *rapid.T) {
	listed := map[string]registry.Cluster{}
	for _, c := range m.real.List() {
		listed[c.Identity] = c
	}
	count := 0
	for identity, g := range m.ghosts {
		c, ok := listed[identity]
		if ok != g.listed {
			t.Fatalf("%s: listed %t, want %t", identity, ok, g.listed)
		}
		if !ok {
			continue
		}
		count++
		if c.Fleet != g.fleet || c.Number != g.numbers[g.fleet] || c.Up != g.up() {
			t.Fatalf("%s: number %d in %s, up %t, want %d in %s, %t", identity, c.Number, c.Fleet, c.Up, g.numbers[g.fleet], g.fleet, g.up())
		}
	}
	if len(listed) != count || m.real.Count() != count {
		t.Fatalf("%d listed and %d counted, want %d", len(listed), m.real.Count(), count)
	}
}

func TestNumbersLeasesAndHealthFollowTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"": m.check,
			// More often than the rest: a lease's life is register, register, beat.
			"register": m.register, "register anew": m.register, "come back": m.register,
			"beat": m.beat, "beat again": m.beat,
			"leave":       m.leave,
			"retire":      m.retire,
			"reset lease": m.resetLease,
			"time passes": m.pass,
			"restart":     m.restart,
		})
	})
}
