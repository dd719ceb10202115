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

const (
	modelTTL     = 20 * time.Second
	modelRetired = 1
)

// ghost is what the model keeps of one incarnation of an identity; purging it
// begins another one.
type ghost struct {
	identity      string
	incarnation   int
	numbers       map[string]int
	fleet         string
	lease, former string
	// proven means that the lease or the one before it was ever presented, claim
	// is what the process presented that the lease was issued to.
	proven       bool
	claim        string
	listed, left bool
	// age is how long it has not been heard while a control plane ran, silent
	// the same since it was given a full TTL: see restart.
	age, silent time.Duration
}

func (g *ghost) up() bool { return g.listed && !g.left && g.silent <= modelTTL }

func (g *ghost) holds(lease string) bool {
	return lease != "" && (lease == g.lease || lease == g.former)
}

// admits reports whether a register under a lease is let in while the identity is up.
func (g *ghost) admits(lease string) bool {
	again := !g.proven && lease == g.claim
	return g.lease == "" || g.holds(lease) || again
}

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
	// retired is how many identities are retired and remembered.
	retired int
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
		TTL: modelTTL, MaxClusters: 1000, MaxFleets: 100, MaxRetired: modelRetired, HeartbeatBurst: 1 << 20, RequireLease: m.required,
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
	change, err := m.real.Register(context.Background(), registry.Registration{Identity: g.identity, Fleet: fleet, Lease: lease})
	if m.required && g.up() && !g.admits(lease) {
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
	if !g.listed && len(g.numbers) > 0 {
		m.retired--
	}
	g.numbers[fleet], g.fleet = number, fleet
	g.settle(lease, change.Lease)
}

// settle notes a register under a lease, which has issued another.
func (g *ghost) settle(lease, issued string) {
	g.proven, g.claim = g.holds(lease), lease
	g.former = ""
	if g.proven {
		g.former = lease
	}
	g.lease = issued
	g.listed, g.left, g.age, g.silent = true, false, 0, 0
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
	beat, err := m.real.Heartbeat(g.identity, lease, registry.Sender{Remote: netip.MustParseAddr("192.0.2.1")})
	if want := m.refusal(g, lease); !errors.Is(err, want) {
		t.Fatalf("heartbeat of %s: %v, want %v", g.identity, err, want)
	}
	if err != nil {
		return
	}
	g.age, g.silent = 0, 0
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
	g.former, g.proven = "", true
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
	if g.listed {
		m.retired++
	}
	g.listed, g.lease, g.former = false, "", ""
	if purge {
		m.forget(g)
	}
}

// forget begins another incarnation of a retired identity.
func (m *machine) forget(g *ghost) {
	m.retired--
	m.ghosts[g.identity] = &ghost{identity: g.identity, incarnation: g.incarnation + 1, numbers: map[string]int{}}
}

// makeRoom forgets retired identities beyond the cap.
func (m *machine) makeRoom(t *rapid.T) {
	surplus := m.real.Surplus()
	if want := max(m.retired-modelRetired, 0); len(surplus) != want {
		t.Fatalf("%d of %d retired identities are to be forgotten, want %d", len(surplus), m.retired, want)
	}
	for _, change := range surplus {
		g := m.ghosts[change.Record.Identity]
		if g == nil || g.listed || len(g.numbers) == 0 {
			t.Fatalf("%s is to be forgotten and is not retired", change.Record.Identity)
		}
		if rapid.IntRange(0, 4).Draw(t, "the disk refuses") == 0 {
			m.real.Abort(change)
			continue
		}
		m.real.Apply(change)
		m.forget(g)
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
		g.age += seconds
		g.silent += seconds
	}
}

// restart is one with a clock that stands somewhere else afterwards, as after
// an outage or a correction. That counts for nobody, however often it happens:
// the age at the start is the time since the last sign of life in which a
// control plane ran, and who was alive at the stop has a full TTL.
func (m *machine) restart(t *rapid.T) {
	state := m.real.State()
	m.at = m.at.Add(time.Duration(rapid.IntRange(-48*3600, 48*3600).Draw(t, "the clock jumps by")) * time.Second)
	m.real = m.empty()
	m.real.Restore(state)
	for _, g := range m.ghosts {
		if g.silent = g.age; g.silent <= modelTTL {
			g.silent = 0
		}
	}
}

// check compares what is listed with the model.
func (m *machine) check(t *rapid.T) {
	listed := map[string]registry.Cluster{}
	for c := range m.real.All() {
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
	if len(listed) != count || m.real.Count() != count || m.real.CountRetired() != m.retired {
		t.Fatalf("%d listed, %d counted and %d retired, want %d and %d", len(listed), m.real.Count(), m.real.CountRetired(), count, m.retired)
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
			"make room":   m.makeRoom,
			"reset lease": m.resetLease,
			"time passes": m.pass,
			"restart":     m.restart,
		})
	})
}
