package member

import (
	"context"
	"errors"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

var (
	errSlowSnapshot  = errors.New("the host's snapshot takes too long")
	errStuckSnapshot = errors.New("the host's snapshot is still being made since an earlier beat")
)

// values asks the host for its snapshot, in a goroutine of its own: a host
// that panics, or that hangs in a collector, must cost its values and not its
// heartbeat. There is never more than one such goroutine.
type values struct {
	snapshot func() (fleetapi.Snapshot, error)
	timeout  time.Duration
	running  chan snapshotResult
}

type snapshotResult struct {
	snapshot *fleetapi.Snapshot
	err      error
}

// get returns the host's snapshot without non-finite values. It can return a
// partial snapshot and an error; both are nil for a host that provides none.
func (v *values) get(ctx context.Context) (*fleetapi.Snapshot, error) {
	if v.snapshot == nil {
		return nil, nil
	}
	if v.stuck() {
		return nil, errStuckSnapshot
	}
	running := make(chan snapshotResult, 1) // buffered: nobody may be left to receive
	go func() { running <- v.make() }()
	timer := time.NewTimer(v.timeout)
	defer timer.Stop()
	select {
	case result := <-running:
		return result.snapshot, result.err
	case <-timer.C:
		v.running = running
		return nil, errSlowSnapshot
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stuck reports whether an earlier snapshot is still being made. One that is
// ready by now is too old to be sent.
func (v *values) stuck() bool {
	if v.running == nil {
		return false
	}
	select {
	case <-v.running:
		v.running = nil
		return false
	default:
		return true
	}
}

func (v *values) make() (result snapshotResult) {
	defer func() {
		if value := recover(); value != nil {
			result = snapshotResult{err: recovered("the host's snapshot", value)}
		}
	}()
	snapshot, err := v.snapshot()
	if len(snapshot.Metrics) == 0 && err != nil {
		return snapshotResult{err: err}
	}
	clean := withoutNonFinite(snapshot)
	return snapshotResult{snapshot: &clean, err: err}
}
