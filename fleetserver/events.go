package fleetserver

import (
	"context"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// maxEvents is how many of the latest events are kept.
const maxEvents = 500

// eventLog keeps the latest events in memory. It is safe for concurrent use.
type eventLog struct {
	now func() time.Time

	mu     sync.Mutex
	events []fleetapi.Event // a ring once it is full
	next   int
	total  int
}

func newEventLog(now func() time.Time) *eventLog { return &eventLog{now: now} }

func (l *eventLog) add(kind, identity, fleet string, number int) {
	event := fleetapi.Event{T: l.now().UTC().Truncate(time.Microsecond), Kind: kind, Identity: identity, Fleet: fleet, Number: number}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if len(l.events) < maxEvents {
		l.events = append(l.events, event)
		return
	}
	l.events[l.next] = event
	l.next = (l.next + 1) % maxEvents
}

// latest returns the events, oldest first.
func (l *eventLog) latest() []fleetapi.Event {
	events, _ := l.since(0)
	return events
}

// since returns the events that came after the first n of all, as far as they
// are kept, and how many there have been.
func (l *eventLog) since(n int) (events []fleetapi.Event, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := append([]fleetapi.Event{}, l.events[l.next:]...) // never nil: it is a list in JSON, also when it is empty
	kept = append(kept, l.events[:l.next]...)
	fresh := min(l.total-n, len(kept))
	return kept[len(kept)-fresh:], l.total
}

func (s *Server) listEvents(context.Context, Caller, none) (fleetapi.Events, error) {
	return fleetapi.Events{Events: s.events.latest()}, nil
}
