package rollout

import "time"

// clockSkew is how far the clocks of two nodes may lie apart: a process starts by one,
// registers by another, and is judged by a third.
const clockSkew = 10 * time.Second

// Member is what a control plane tells of a cluster.
type Member struct {
	// Up: it beats.
	Up bool
	// ValuesAt is when its last values arrived; zero for none since it registered, or since
	// the control plane crashed.
	ValuesAt time.Time
	// RegisteredAt is when the process registered that runs now.
	RegisteredAt time.Time
	// HeardSince is when the control plane started, which may have forgotten what it was
	// told before; zero if it does not say.
	HeardSince time.Time
	// ShardsUp of ShardsTotal that it reports; both 0 for a member that reports none, and
	// for one whose first values have yet to come.
	ShardsUp, ShardsTotal int
	// Interval at which members beat.
	Interval time.Duration
}

// beatsUntilValues is how many beats after it could first be heard a member that sends
// values at all has sent some.
const beatsUntilValues = 2

// Gate tells whether a cluster has come to work, as the control plane sees it:
// values newer than the start of its container, and every assigned shard up. A
// member that reports no shards passes by its fresh heartbeat, once it would have
// reported them: opens is when that is, of one that has sent nothing yet, or zero. why
// says in a few words what is missing, or what was not looked at.
func Gate(now time.Time, member *Member, containerStart time.Time, shards int) (open bool, why string, opens time.Time) {
	if member == nil {
		return false, "it has not registered", opens
	}
	fresh := member.ValuesAt.After(ownSince(member, containerStart))
	spoken := later(member.RegisteredAt, member.HeardSince).Add(beatsUntilValues*member.Interval + clockSkew)
	switch {
	case !member.Up:
		return false, "it does not beat", opens
	case containerStart.IsZero(), member.RegisteredAt.Before(containerStart.Add(-clockSkew)):
		return false, "the new process has not registered", opens
	case member.ShardsTotal == 0 && (fresh || !now.Before(spoken)):
		return true, "it reports no shards, so its heartbeat counts", opens
	case !fresh && member.ShardsTotal == 0:
		return false, "it has sent no values since it started", spoken
	case !fresh:
		return false, "it has sent no values since it started", opens
	case member.ShardsUp < shards:
		return false, "not every shard is up", opens
	}
	return true, "", opens
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ownSince is since when values can only be those of the process that runs, where the
// clocks agree. The kubelet dates its start to the second: what registered before that may
// be its forerunner, which told values until that second was over.
func ownSince(member *Member, containerStart time.Time) time.Time {
	if member.RegisteredAt.Before(containerStart) {
		return containerStart.Add(time.Second)
	}
	return containerStart
}
