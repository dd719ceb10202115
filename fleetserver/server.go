package fleetserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/argus-dev/argus-operator/fleetserver/access"
	"github.com/argus-dev/argus-operator/fleetserver/analytics"
	"github.com/argus-dev/argus-operator/fleetserver/history"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/source"
	"github.com/argus-dev/argus-operator/fleetserver/store"
	"github.com/argus-dev/argus-operator/fleetserver/ui"
)

// Deps are what a Server takes from outside. Every field has a default.
type Deps struct {
	// Now is the clock; time.Now.
	Now func() time.Time
	// Logger; slog.Default().
	Logger *slog.Logger
	// Metrics is where the server's metrics are registered and gathered; a new registry.
	Metrics *prometheus.Registry
	// ReadFile reads token files again; os.ReadFile.
	ReadFile func(string) ([]byte, error)
	// Listen opens the listener of Run; net.Listen.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)

	// beforeCommit lets tests play a disk that refuses.
	beforeCommit func() error
}

// Server is a control plane with its state open.
type Server struct {
	config   Config
	now      func() time.Time
	logger   *slog.Logger
	listen   func(ctx context.Context, network, address string) (net.Listener, error)
	gatherer prometheus.Gatherer
	metrics  *metrics

	lock     *store.Lock
	store    *store.Store
	registry *registry.Registry
	push     *source.Push
	// values joins push with Prometheus, if there is one.
	values *source.Composite
	// analytics is nil without a ClickHouse.
	analytics *analytics.Client
	keyring   *access.Keyring
	views     *viewCache
	events    *eventLog
	history   *history.Recorder
	hub       *hub
	// streamBeat is how often a quiet stream is written to.
	streamBeat time.Duration
	// bodyDeadline, drainTimeout and firstSave are the constants but in tests.
	bodyDeadline, drainTimeout, firstSave time.Duration

	// site is the web page.
	site                   *ui.Site
	routes                 routes
	http                   http.Handler
	proxies                proxies
	readLimit              *limiter
	registerLimit          *limiter
	authLimit, authSummary *limiter
	inFlight               byteBudget // of members' bodies
	smallInFlight          byteBudget // of all others
	bodies                 bodyPool
	protection             *http.CrossOriginProtection
	// boot names this process in ETags, and started is when it began to listen to members.
	boot    string
	started time.Time
	// builds counts views, under the cache's lock.
	builds     int
	encoder    encoder
	compressor compressor
	// changes counts what a view shows.
	changes atomic.Uint64
	// refused is set while the disk refuses the state.
	refused atomic.Bool
	// saving is held while signs of life are saved.
	saving sync.Mutex
	// swept is when the sweeper last ran, with its monotonic reading; nil while there is none.
	swept atomic.Pointer[time.Time]

	// stopBegun is when Run began to stop.
	stopBegun time.Time
	closing   sync.Once
	closeErr  error
}

// New checks the configuration, takes the state file's lock and opens the
// state. It fails with a *store.LockedError when another process has it and
// with a *store.FileError when the file is not usable. Close or Run releases both.
func New(ctx context.Context, config Config, deps Deps) (*Server, error) {
	if err := config.CheckBind(); err != nil {
		return nil, err
	}
	s := newServer(config, deps)
	registerer := deps.Metrics
	if registerer == nil {
		registerer = prometheus.NewRegistry()
	}
	s.gatherer = registerer
	var err error
	if s.site, err = ui.Open(); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(registerer, config.Version); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	if err := registerer.Register(newFleetCollector(s.registry)); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	s.keyring = access.NewKeyring(config.surfaces(), s.logger, deps.ReadFile, access.Hooks{
		Failed:  s.metrics.tokenReloadFailures.Inc,
		Changed: func(surface string) { s.auditOwn("tokens", "surface", surface, nil) },
		Name:    s.fingerprint,
	})
	if err := s.connect(deps.ReadFile); err != nil {
		return nil, err
	}
	if err := s.open(ctx, deps.beforeCommit); err != nil {
		s.disconnect()
		return nil, err
	}
	for _, warning := range config.Warnings() {
		s.logger.Warn("setting is probably not meant", "detail", warning)
	}
	s.protection = http.NewCrossOriginProtection()
	for _, origin := range config.CORSOrigins {
		if err := s.protection.AddTrustedOrigin(origin); err != nil {
			return nil, errors.Join(fmt.Errorf("trusting origin %s: %w", origin, err), s.Close())
		}
	}
	s.routes = newRoutes(s.routeTable())
	s.http = s.handler()
	s.started = s.now().UTC()
	return s, nil
}

// newServer fills in what needs nothing from outside the process.
func newServer(config Config, deps Deps) *Server {
	s := &Server{boot: rand.Text()[:8], config: config, now: deps.Now, logger: deps.Logger, listen: deps.Listen}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.Default()
	}
	if s.listen == nil {
		s.listen = (&net.ListenConfig{}).Listen
	}
	s.registry = registry.New(registry.Options{
		TTL: config.TTL(), Retention: config.Retention,
		MaxClusters: config.MaxClusters, MaxFleets: maxFleets, MaxRetired: retiredPerCluster * config.MaxClusters,
		RequireLease: config.RequireLease, HeartbeatBurst: config.HeartbeatBurst,
		Pepper: []byte(config.SecretPepper.Value), Now: s.now,
	})
	s.push = source.NewPush(s.now)
	s.events = newEventLog(s.now)
	s.history = history.New()
	s.views = &viewCache{window: config.ViewCache, now: s.now, changes: s.changes.Load, build: s.buildView}
	s.hub = newHub(s.boot, config.ViewCache, s.views.get, s.events, s.compressor.deflate)
	s.streamBeat = streamBeat
	s.bodyDeadline, s.drainTimeout, s.firstSave = bodyDeadline, drainTimeout, firstSave
	s.inFlight.limit, s.smallInFlight.limit = maxInFlightBytes, maxSmallInFlightBytes
	s.proxies = proxies{prefixes: config.TrustedProxies, direct: config.TrustedProxy}
	s.readLimit = newLimiter(config.ReadBurst, s.now)
	s.registerLimit = newLimiter(config.RegisterBurst, s.now)
	s.authLimit = newLimiter(maxAuthFailures, s.now)
	s.authSummary = newLimiter(1, s.now)
	return s
}

// open takes the lock, then the state.
func (s *Server) open(ctx context.Context, beforeCommit func() error) error {
	lock, err := store.Acquire(ctx, s.config.StatePath, s.now())
	if err != nil {
		return err
	}
	if err := s.adopt(ctx); err != nil {
		_ = lock.Release()
		return err
	}
	opened, state, err := store.Open(s.config.StatePath, store.Options{
		MaxClusters: s.config.MaxClusters, Observe: s.observeCommit, BeforeCommit: beforeCommit,
	})
	if err != nil {
		_ = lock.Release()
		return err
	}
	s.lock, s.store = lock, opened
	s.metrics.lockHeld.Set(1)
	s.registry.Restore(state)
	return s.loadValues()
}

// adopt imports argus-dpy's JSON state: the state file itself, if that is what
// it holds, or its default file, if no path is configured and there is no
// database yet.
func (s *Server) adopt(ctx context.Context) error {
	path, from, find := s.config.StatePath, s.config.StatePath, store.IsV1
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && s.config.LegacyState != "" {
		from, find = s.config.LegacyState, store.FindV1
	}
	old, err := find(from)
	if err != nil || !old {
		return err
	}
	if from != path {
		lock, err := store.Acquire(ctx, from, s.now())
		if err != nil {
			return err
		}
		defer lock.Release() //nolint:errcheck // the import has ended, one way or the other
	}
	clusters, err := store.ImportV1(from, path)
	if err != nil {
		return err
	}
	s.logger.Info("imported the state of a Python control plane", "from", from, "state", path, "clusters", clusters)
	return nil
}

// Handler answers requests. It works with and without Run.
func (s *Server) Handler() http.Handler { return s.http }

// loadValues shows what the members said last until they speak again.
func (s *Server) loadValues() error {
	values, err := s.store.Values()
	if err != nil {
		return errors.Join(err, s.store.Close(), s.lock.Release())
	}
	for c := range s.registry.All() {
		s.push.Load(c.Identity, c.Registrations, values[c.Identity])
	}
	return nil
}

// Close saves signs of life, debts and values, commits what is queued and releases the state
// file. It may be called more than once.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.disconnect() // a view that waits for Prometheus must not hold up the hub
		s.hub.close()
		unsaved := s.save() // which also shows whether the disk takes anything again
		s.settleDebts()
		s.closeErr = errors.Join(unsaved, s.saveValues(), s.store.Close(), s.lock.Release())
		s.metrics.lockHeld.Set(0)
	})
	return s.closeErr
}
