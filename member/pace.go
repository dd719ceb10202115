package member

import (
	"errors"
	"math"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	// callTimeout bounds one call, and snapshotTimeout the host's snapshot.
	callTimeout     = 10 * time.Second
	snapshotTimeout = 5 * time.Second
	// leaveTimeout bounds what leaving adds to the host's end.
	leaveTimeout = time.Second

	// A register that fails is repeated after 1 s, 2 s, 4 s ... 30 s.
	backoffBase = time.Second
	backoffMax  = 30 * time.Second

	// A control plane may ask for patience, but not for ever.
	retryAfterMax = 5 * time.Minute

	intervalDefault = fleetapi.DefaultHeartbeatIntervalSeconds * time.Second
	intervalMax     = time.Hour

	// jitter is the fraction by which a wait is made longer or shorter, so that
	// members which started together do not call together.
	jitter = 0.1

	// beatsWithoutValues go out after a snapshot was too large, before the next
	// attempt to send one.
	beatsWithoutValues = 10
)

// intervalOf returns the heartbeat interval a control plane asks for; one that
// says nothing is an original one, whose members beat every 15 s.
func intervalOf(reply fleetapi.RegisterResponse) time.Duration {
	if reply.IntervalSeconds < 1 {
		return intervalDefault
	}
	return time.Duration(min(reply.IntervalSeconds, int(intervalMax/time.Second))) * time.Second
}

// ttlOf returns how long the control plane holds a silent member to be alive.
func ttlOf(reply fleetapi.RegisterResponse) time.Duration {
	interval := intervalOf(reply)
	if reply.TTLSeconds < 1 {
		return interval * fleetapi.DefaultTTLFactor
	}
	ttl := time.Duration(min(reply.TTLSeconds, math.MaxInt32)) * time.Second
	return max(ttl, interval)
}

// jittered spreads a wait over plus and minus ten percent; random is in [0, 1).
func jittered(wait time.Duration, random float64) time.Duration {
	return time.Duration(float64(wait) * (1 - jitter + 2*jitter*random))
}

// backoff returns the wait after so many failures in a row (1 = the first):
// half of it fixed and half random, so that members which lost their control
// plane together come back one by one.
func backoff(failures int, random float64) time.Duration {
	wait := backoffMax
	if shift := failures - 1; shift < 5 {
		wait = min(backoffBase<<max(shift, 0), backoffMax)
	}
	return wait/2 + time.Duration(float64(wait/2)*random)
}

// honour lengthens a wait to what the control plane asked for. The jitter is
// only ever added: to come early would be another refusal.
func honour(err error, wait time.Duration, random float64) time.Duration {
	status, ok := errors.AsType[*fleetapi.StatusError](err)
	if !ok || status.RetryAfter <= wait {
		return wait
	}
	asked := min(status.RetryAfter, retryAfterMax)
	return asked + time.Duration(float64(asked)*jitter*random)
}
