package rollout

import "time"

// Member is what a control plane tells of a cluster.
type Member struct {
	// Up: it beats.
	Up bool
	// ValuesAt is when its last values arrived; zero for none since it registered.
	ValuesAt time.Time
	// RegisteredAt is when the process registered that runs now.
	RegisteredAt time.Time
	// ShardsUp of ShardsTotal that it reports; both 0 for a member that reports none.
	ShardsUp, ShardsTotal int
}

// Gate tells whether a cluster has come to work, as the control plane sees it:
// values newer than the start of its container, and every assigned shard up. A
// member that reports no shards passes by its fresh heartbeat. why says in a few
// words what is missing, or what was not looked at.
func Gate(member *Member, containerStart time.Time, shards int) (open bool, why string) {
	switch {
	case member == nil:
		return false, "it has not registered"
	case !member.Up:
		return false, "it does not beat"
	case containerStart.IsZero(), member.RegisteredAt.Before(containerStart.Truncate(time.Second)):
		return false, "the new process has not registered"
	case member.ShardsTotal == 0 && member.ShardsUp == 0:
		return true, "it reports no shards, so its heartbeat counts"
	case !member.ValuesAt.After(containerStart):
		return false, "it has sent no values since it started"
	case member.ShardsUp < shards:
		return false, "not every shard is up"
	}
	return true, ""
}
