package member

import (
	"context"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// step makes one attempt at what is due and returns how long to wait then. The
// first beat follows its registration at once, so that whoever waits for the
// process's values does not wait for an interval.
func (m *Member) step(ctx context.Context) (wait time.Duration) {
	defer func() {
		if value := recover(); value != nil {
			wait = m.broken(value)
		}
	}()
	if !m.registered {
		if err := m.outcome(ctx, m.register(ctx)); err != nil {
			return m.retry(err)
		}
	}
	return m.beat(ctx)
}

// register announces the member and takes over what the control plane says.
func (m *Member) register(ctx context.Context) error {
	client, err := m.link.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	reply, err := client.Register(ctx, fleetapi.RegisterRequest{
		Identity:     m.identity,
		Fleet:        m.config.Group,
		Version:      m.version,
		ScrapeTarget: m.config.ScrapeTarget,
		Lease:        m.lease,
	})
	if err != nil {
		return err
	}
	m.registered, m.interval = true, intervalOf(reply)
	if reply.Lease != "" && reply.Lease != m.lease {
		m.lease = reply.Lease
		m.changes.note(subjectStateDir, m.dir.keepLease(m.identity, m.lease))
	}
	m.accepted(reply.Number, ttlOf(reply))
	m.logger.Info("registered with the fleet control plane",
		"identity", m.identity, "fleet", m.config.Group, "number", reply.Number, "interval", m.interval)
	return nil
}

// beat sends one heartbeat, or two: one that is too large is repeated without
// its values, because a process that lives must not look dead for its size.
func (m *Member) beat(ctx context.Context) time.Duration {
	snapshot := m.snapshot(ctx)
	err := m.heartbeat(ctx, snapshot)
	if snapshot != nil {
		tooLarge := classify(err) == ErrorTooLarge
		if tooLarge {
			m.leanBeats = beatsWithoutValues
			m.changes.note(subjectSize, err)
			err = m.heartbeat(ctx, nil)
		} else if err == nil {
			m.changes.note(subjectSize, nil)
		}
	}
	switch err = m.outcome(ctx, err); classify(err) {
	case ErrorNone:
		m.failures = 0
	case ErrorUnknown, ErrorConflict:
		m.registered = false
		return m.retry(err)
	}
	return honour(err, jittered(m.interval, m.random()), m.random())
}

// snapshot returns the host's values, or nil if there are none to send now.
func (m *Member) snapshot(ctx context.Context) *fleetapi.Snapshot {
	if m.leanBeats > 0 {
		m.leanBeats--
		return nil
	}
	snapshot, err := m.values.get(ctx)
	if ctx.Err() == nil {
		m.changes.note(subjectSnapshot, err)
	}
	return snapshot
}

func (m *Member) heartbeat(ctx context.Context, snapshot *fleetapi.Snapshot) error {
	client, err := m.link.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	err = client.Heartbeat(ctx, fleetapi.HeartbeatRequest{Identity: m.identity, Lease: m.lease, Snapshot: snapshot})
	if err == nil {
		m.accepted(0, 0)
	}
	return err
}

// leave gives the lease back. A control plane that cannot be told lets it lapse.
func (m *Member) leave(ctx context.Context) {
	client, err := m.link.get()
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, m.leaveTimeout)
		defer cancel()
		err = client.Leave(ctx, fleetapi.LeaveRequest{Identity: m.identity, Lease: m.lease})
	}
	m.registered = false
	m.mu.Lock()
	m.state.Registered = false
	m.mu.Unlock()
	if err != nil {
		m.logger.Info("the fleet control plane could not be told of the end", "class", string(classify(err)), "error", err)
		return
	}
	m.logger.Info("left the fleet", "identity", m.identity)
}

// accepted records that the control plane took a call. A number and a time to
// live come with a registration, and are 0 otherwise.
func (m *Member) accepted(number int, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Registered, m.state.LastAccepted = true, m.clock.Now()
	if number != 0 {
		m.state.Number = number
	}
	if ttl != 0 {
		m.ttl = ttl
	}
}

// outcome records and logs how a call went, and returns its error. What fails
// because the host is stopping is no failure.
func (m *Member) outcome(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	class := classify(err)
	m.changes.noteCall(class, err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.LastError = class
	if class == ErrorUnknown || class == ErrorConflict {
		m.state.Registered = false
	}
	return err
}

// broken takes a panic of our own, or of a clock or logger that the host gave.
func (m *Member) broken(value any) time.Duration {
	m.mu.Lock()
	m.state.LastError = ErrorInternal
	m.mu.Unlock()
	func() {
		defer func() { _ = recover() }() // if it was the logger, it may do so again
		m.changes.noteCall(ErrorInternal, recovered("the member", value))
	}()
	m.failures++
	return backoff(m.failures, 1)
}

// retry counts a failure and returns the wait before the next registration.
func (m *Member) retry(err error) time.Duration {
	m.failures++
	return honour(err, backoff(m.failures, m.random()), m.random())
}
