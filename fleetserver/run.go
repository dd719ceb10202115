package fleetserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	headerTimeout = 5 * time.Second
	writeTimeout  = 30 * time.Second
	// idleTimeout must outlast several heartbeats, so that each finds its connection open.
	idleTimeout    = 120 * time.Second
	maxHeaderBytes = 16 << 10
	// drainTimeout bounds the wait for requests at the end: a client that stalls
	// must not use up the 30 s that Kubernetes allows for an orderly stop.
	drainTimeout = 5 * time.Second
	// strangerPatience is how long a stop waits for requests of connections that
	// have shown no accepted credential.
	strangerPatience = 200 * time.Millisecond
	// saveInterval is how often signs of life are saved. The first savings come
	// earlier, each after twice the time of the one before: whenever a control
	// plane dies, half of the time that it ran is kept, so that one which always
	// dies early still sees its silent clusters grow old.
	saveInterval, firstSave = 5 * time.Minute, 5 * time.Second
	// valuesPatience bounds what saving values may add to a stop. In a fleet so
	// large that signs of life take their time, it is what is left of stopBudget,
	// but never less than leastValuesPatience, in which a small one's are all saved.
	valuesPatience, leastValuesPatience = 500 * time.Millisecond, 100 * time.Millisecond
	stopBudget                          = 900 * time.Millisecond
	// maxExpiring is how many clusters are retired at one time.
	maxExpiring = 1000
)

// Run listens and serves until the context ends, then answers what is under
// way, saves and releases the state. It returns nil after an orderly end.
func (s *Server) Run(ctx context.Context) error {
	err := s.serve(ctx)
	if closeErr := s.Close(); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("closing the state: %w", closeErr))
	}
	return err
}

func (s *Server) serve(ctx context.Context) error {
	listener, err := s.openListener(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	s.noteSweep()
	background.Go(func() { s.sweepRegularly(ctx) })
	background.Go(func() { s.saveRegularly(ctx) })
	background.Go(func() { s.recordRegularly(ctx) })
	background.Go(func() { s.keyring.Watch(ctx) })
	open := newConnections(s.config.MaxClusters)
	server := &http.Server{
		Handler: s.http, ReadHeaderTimeout: headerTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ConnContext: open.accepted, ConnState: open.changed, ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(s.values.Close) // a view that waits for Prometheus waits no longer
	server.RegisterOnShutdown(s.hub.close)    // streams have no end of their own
	server.RegisterOnShutdown(func() { time.AfterFunc(strangerPatience, open.dropStrangers) })
	failed := make(chan error, 1)
	background.Go(func() { failed <- server.Serve(listener) })
	s.logger.Info("argus fleet is listening", "address", listener.Addr().String(), "version", s.config.Version,
		"state", s.config.StatePath, "clusters", s.registry.Count())
	return s.await(ctx, server, failed)
}

// await ends with the context, with the listener or with the store.
func (s *Server) await(ctx context.Context, server *http.Server, failed <-chan error) error {
	select {
	case err := <-failed:
		_ = server.Close()
		return fmt.Errorf("serving: %w", err)
	case err := <-s.store.Fatal():
		_ = server.Close()
		return err
	case <-ctx.Done():
	}
	s.logger.Info("argus fleet is stopping")
	s.stopBegun = time.Now()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		_ = server.Close()
	}
	return nil
}

func (s *Server) openListener(ctx context.Context) (net.Listener, error) {
	listener, err := s.listen(ctx, "tcp", s.config.Address())
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", s.config.Address(), err)
	}
	if !s.config.TLS() {
		return listener, nil
	}
	secured, err := s.secureListener(listener)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	return secured, nil
}

func (s *Server) sweepRegularly(ctx context.Context) {
	every(ctx, s.config.HeartbeatInterval, func() { s.sweep(ctx) })
}

// sweep notes what went down, retires what is past its retention and writes
// what the disk is owed.
func (s *Server) sweep(ctx context.Context) {
	wentDown, expired := s.registry.Sweep()
	for _, c := range wentDown {
		s.events.add(fleetapi.EventDown, c.Identity, c.Fleet, c.Number)
		s.logger.Info("cluster is down", "identity", loggable(c.Identity), "fleet", loggable(c.Fleet))
	}
	if len(wentDown) > 0 {
		s.changes.Add(1) // a view built before these events must not be taken for one that tells of them
	}
	for identities := range slices.Chunk(expired, maxExpiring) {
		var retiring sync.WaitGroup // together, so that they share commits
		for _, identity := range identities {
			retiring.Go(func() { s.expire(ctx, identity) })
		}
		retiring.Wait()
	}
	s.forgetSurplus()
	s.settleDebts()
	s.noteSweep()
}

func (s *Server) noteSweep() {
	now := s.now()
	s.swept.Store(&now)
}

func (s *Server) expire(ctx context.Context, identity string) {
	change, err := s.registry.Retire(ctx, identity, false, false)
	if err == nil {
		err = s.commit(ctx, change)
	}
	s.auditOwn("retention", "identity", loggable(identity), err)
	if err != nil {
		return // it is still there, and comes up in the next sweep
	}
	s.logger.Info("cluster retired after its retention", "identity", loggable(identity))
}

// sweeperLate reports that the sweeper has missed three of its turns.
func (s *Server) sweeperLate() bool {
	last := s.swept.Load()
	return last != nil && s.now().Sub(*last) > 3*s.config.HeartbeatInterval+time.Second
}

// saveRegularly saves signs of life every now and then, and at once when the
// context ends: what is known then does not wait for clients that stall.
func (s *Server) saveRegularly(ctx context.Context) {
	save := func() {
		if err := s.save(); err != nil {
			s.logger.Error("saving signs of life", "error", err)
		}
	}
	for wait := s.firstSave; ctx.Err() == nil; wait = min(2*wait, saveInterval) {
		select {
		case <-time.After(wait):
		case <-ctx.Done(): // and once more
		}
		save()
	}
}

// save writes when each cluster was last seen. One waits for the other: that
// what came before is saved is not true while another one may still fail.
func (s *Server) save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	seen, until := s.registry.Unsaved()
	if err := s.store.SaveSeen(seen, until); err != nil {
		s.registry.Resave(seen)
		return fmt.Errorf("saving when clusters were last seen: %w", err)
	}
	return nil
}

// saveValues writes the values at the end, as far as that is quick.
func (s *Server) saveValues() error {
	now := time.Now()
	if _, err := s.store.SaveValues(s.push.Saved(), now.Add(patienceForValues(s.stopBegun, now))); err != nil {
		return fmt.Errorf("saving values: %w", err)
	}
	return nil
}

// patienceForValues is valuesPatience but for a stop that has taken long already.
func patienceForValues(stopBegun, now time.Time) time.Duration {
	if stopBegun.IsZero() {
		return valuesPatience
	}
	return max(leastValuesPatience, min(valuesPatience, stopBudget-now.Sub(stopBegun)))
}

func every(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
