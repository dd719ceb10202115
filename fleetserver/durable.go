package fleetserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

// commit makes a change durable and then visible. When the context ends first
// the change still completes: it is the reply that nobody waits for any more.
func (s *Server) commit(ctx context.Context, change *registry.Change) error {
	result := make(chan error, 1)
	s.submit(change, func(err error) { result <- err })
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// submit queues a change and settles it in the registry once the disk has
// answered; then it calls done, which must not block.
func (s *Server) submit(change *registry.Change, done func(error)) {
	write := store.Write{Put: &change.Record, Fleet: change.Fleet, Drawn: change.Drawn, Seen: change.Seen()}
	if change.Kind == registry.Purged || change.Kind == registry.Forgotten {
		write = store.Write{Delete: change.Record.Identity}
	}
	write.Done = func(err error) {
		switch {
		case err == nil:
			s.registry.Apply(change)
		case change.Kind == registry.Left && errors.Is(err, store.ErrUnavailable):
			// A full disk must not keep a bot from leaving; the disk is owed it.
			s.registry.ApplyOwed(change)
		default:
			s.registry.Abort(change)
			done(err)
			return
		}
		s.applied(change)
		done(nil)
	}
	s.store.Submit(write)
}

// settleDebts writes what became visible while the disk refused it.
func (s *Server) settleDebts() {
	if s.store.Faulty() {
		return
	}
	for _, change := range s.registry.Owed() {
		s.submit(change, func(error) {}) // a failed one is still owed
	}
}

// forgetSurplus drops the oldest of the retired clusters that there is no room for.
func (s *Server) forgetSurplus() {
	if s.store.Faulty() {
		return
	}
	surplus := s.registry.Surplus()
	for _, change := range surplus {
		s.submit(change, func(err error) {
			if err == nil { // else it comes up again in the next sweep
				s.metrics.forgotten.Inc()
			}
		})
	}
	if len(surplus) > 0 {
		s.logger.Info("the oldest retired clusters are forgotten", "clusters", len(surplus))
	}
}

// observeCommit counts commits and tells once when the disk begins and when it
// ceases to refuse them.
func (s *Server) observeCommit(took time.Duration, err error) {
	s.metrics.observeCommit(took, err)
	if was := s.refused.Swap(err != nil); was == (err != nil) {
		return
	}
	if err != nil {
		s.logger.Error("the state cannot be written: registrations are refused until it can", "error", err)
		return
	}
	s.logger.Info("the state can be written again")
}

// applied is what else a visible change means.
func (s *Server) applied(change *registry.Change) {
	defer s.changes.Add(1)
	switch identity := change.Record.Identity; change.Kind {
	case registry.Registered:
		s.metrics.registrations.Inc()
		s.push.Begin(identity, change.Record.Registrations)
		s.forgetDeserted(change.MovedFrom)
	case registry.Retired, registry.Purged:
		s.push.Forget(identity)
		s.history.Forget(clusterSeries + identity)
		s.forgetDeserted(change.Record.Fleet)
	}
	if kind := eventOf(change); kind != "" {
		s.events.add(kind, change.Record.Identity, change.Record.Fleet, change.Record.Number())
	}
}

// forgetDeserted drops the history of a fleet that its last cluster has left;
// "" is none.
func (s *Server) forgetDeserted(fleet string) {
	if fleet != "" && s.registry.CountOf(fleet) == 0 {
		s.history.Forget(fleetSeries + fleet)
	}
}

// eventOf names what people are told of a change; "" for what is internal.
func eventOf(change *registry.Change) string {
	switch change.Kind {
	case registry.Registered:
		switch {
		case change.New:
			return fleetapi.EventJoined
		case change.MovedFrom != "":
			return fleetapi.EventMoved
		}
		return fleetapi.EventRestart
	case registry.Left:
		return fleetapi.EventLeft
	case registry.Retired, registry.Purged:
		return fleetapi.EventRetired
	}
	return ""
}

// audited writes one line for each request of a route that changes the state,
// if asked for, whatever became of it.
func (s *Server) audited(event string, next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, caller Caller) error {
		err := next(w, r, caller)
		s.audit(event, exchangeOf(r).identity, caller, err)
		return err
	}
}

// auditedRefusals is audited for heartbeats: those that are accepted come all the time.
func (s *Server) auditedRefusals(event string, next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, caller Caller) error {
		err := next(w, r, caller)
		if err != nil {
			s.audit(event, exchangeOf(r).identity, caller, err)
		}
		return err
	}
}

func (s *Server) audit(event, identity string, caller Caller, err error) {
	if s.config.AuditLog {
		s.logger.Info("audit", "event", event, "identity", loggable(identity), "remote", caller.Remote, "outcome", outcomeOf(err))
	}
}

// auditOwn is for a change that nobody asked for by a request; what names the
// kind of thing that it befell.
func (s *Server) auditOwn(event, what, name string, err error) {
	if s.config.AuditLog {
		s.logger.Info("audit", slog.String("event", event), slog.String(what, name), slog.String("outcome", outcomeOf(err)))
	}
}

func outcomeOf(err error) string {
	if err == nil {
		return "ok"
	}
	f, _ := failureOf(err)
	return "denied:" + f.reason
}
