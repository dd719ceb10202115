package registry

import "errors"

// Reasons for which the registry refuses. Callers tell them apart with errors.Is.
var (
	// ErrUnknown asks the member to register: the identity is not in the fleet.
	ErrUnknown = errors.New("unknown identity")
	// ErrLeased means that the identity lives and another process holds its lease.
	ErrLeased = errors.New("identity is leased to another holder")
	// ErrFull means that a new identity would pass the cap on clusters.
	ErrFull = errors.New("fleet cluster cap reached")
	// ErrTooManyFleets means that a new fleet would pass the cap on fleets.
	ErrTooManyFleets = errors.New("fleet region cap reached")
	// ErrHeartbeatRate means that the identity has spent its heartbeats of this minute.
	ErrHeartbeatRate = errors.New("heartbeat rate exceeded")
	// ErrRegisterRate means that a lease holder registers too often.
	ErrRegisterRate = errors.New("register rate exceeded")
	// ErrAlive refuses to retire a cluster that is up.
	ErrAlive = errors.New("cluster is up")
)

// NameError says what is wrong with an identity or a fleet name.
type NameError struct{ Reason string }

// Error returns the reason, which holds nothing of the refused name.
func (e *NameError) Error() string { return e.Reason }
