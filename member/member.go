package member

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// Options are what a member needs of its host. All are optional.
type Options struct {
	// Snapshot returns the host's current metrics; see SnapshotFrom. It runs
	// outside the host's goroutines, at most once at a time, and may fail,
	// panic or hang: the member then beats without values. Nil: it always does.
	Snapshot func() (fleetapi.Snapshot, error)
	// Version is the host's version, shown by the control plane as it is.
	Version string
	// Logger gets one line a change; nil means none.
	Logger *slog.Logger
	// Clock is the time to live by; nil means the machine's.
	Clock Clock
	// Random returns numbers in [0, 1) for jitter; nil means math/rand.
	Random func() float64
}

// State is what a host may show of its membership.
type State struct {
	// Identity is the name the member goes by, also before it has registered.
	Identity string
	// Registered is true while the control plane counts the member as alive: it
	// has accepted a call within its own time-out for silent members.
	Registered bool
	// Number is the member's number within its fleet, from 1; 0 until the first
	// registration. It stays known while the control plane is away.
	Number int
	// LastAccepted is when the control plane last accepted a call; zero: never.
	LastAccepted time.Time
	// LastError is the class of the last call's failure; ErrorNone if it succeeded.
	LastError ErrorClass
}

// Member keeps one bot process registered with its control plane. Make it with
// New, run it with Run; State may be called from any goroutine.
type Member struct {
	config   Config
	identity string
	version  string
	logger   *slog.Logger
	clock    Clock
	random   func() float64
	timeout  time.Duration
	// leaveTimeout is the constant but in tests.
	leaveTimeout time.Duration

	// The rest up to mu belongs to Run's goroutine, and then to Leave's.
	link       link
	values     values
	dir        stateDir
	lease      string
	interval   time.Duration
	registered bool
	failures   int // since a beat was last accepted
	leanBeats  int // beats still to go out without values
	changes    changes

	mu    sync.Mutex
	state State
	ttl   time.Duration
}

// New returns a member that has not called anybody yet. It reads the lease and
// the random identity of the process's former life, if they were kept.
func New(config Config, options Options) *Member {
	m := &Member{
		config:  config,
		version: options.Version,
		logger:  options.Logger,
		clock:   options.Clock,
		random:  options.Random,
		timeout: callTimeout,

		leaveTimeout: leaveTimeout,

		link:     link{config: config},
		values:   values{snapshot: options.Snapshot, timeout: snapshotTimeout},
		dir:      stateDir(config.StateDir),
		interval: intervalDefault,
		ttl:      intervalDefault * fleetapi.DefaultTTLFactor,
	}
	if m.logger == nil {
		m.logger = slog.New(slog.DiscardHandler)
	}
	if m.clock == nil {
		m.clock = SystemClock()
	}
	if m.random == nil {
		m.random = rand.Float64
	}
	m.changes.logger = m.logger
	m.resume()
	return m
}

// resume takes up the identity and the lease of a former life.
func (m *Member) resume() {
	m.identity = m.config.Identity
	if m.identity == "" && m.config.Enabled() {
		identity, err := m.dir.identity()
		m.changes.note(subjectStateDir, err)
		m.identity = identity
	}
	if m.config.Enabled() {
		m.lease = m.dir.lease(m.identity)
	}
	m.state.Identity = m.identity
}

// Run registers and then beats until the context ends, whose error it returns.
// It never returns for another reason and never panics. Call it once. Without a
// URL it only waits.
func (m *Member) Run(ctx context.Context) error {
	defer m.link.close()
	if !m.config.Enabled() {
		<-ctx.Done()
		return ctx.Err()
	}
	for ctx.Err() == nil {
		_ = m.clock.Sleep(ctx, m.step(ctx)) // an error is the context's end, seen above
	}
	return ctx.Err()
}

// Leave tells the control plane that the host stops on purpose, so that its
// cluster is shown down at once and not only after its time-out; the number
// stays with the identity. Call it once Run has returned; a host that fails
// does not. It does nothing unless the member is registered, waits one second
// at the most, and never fails its host.
func (m *Member) Leave(ctx context.Context) {
	defer m.link.close()
	defer func() {
		if value := recover(); value != nil {
			m.broken(value)
		}
	}()
	if !m.registered || m.lease == "" {
		return
	}
	m.leave(ctx)
}

// State returns the membership as it is now.
func (m *Member) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	state := m.state
	state.Registered = state.Registered && m.clock.Now().Sub(state.LastAccepted) <= m.ttl
	return state
}
