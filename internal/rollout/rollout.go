// Package rollout decides which clusters of a bot may be started or restarted now.
// It is pure: it sees what was read and returns what to do.
package rollout

// Cluster is what is known of one cluster of a bot.
type Cluster struct {
	// Exists: its Deployment stands.
	Exists bool
	// Updated: the Deployment is as desired.
	Updated bool
	// Drifted: it was as desired, and somebody has changed it by hand.
	Drifted bool
	// Available: its pod runs and is ready, of the template that the Deployment has now.
	Available bool
}

// Next returns the indexes of the clusters whose Deployment may be written now, in
// the order in which to write them.
//
// A cluster that does not exist yet is always created, and one that was changed by
// hand is always put right. Of the others one at a time
// is changed, and the next only when that one is available again, so a bad change
// stops at its first cluster: clusters that are down anyway come first, then the
// lowest index.
func Next(clusters []Cluster) []int {
	by := map[state][]int{}
	for i, cluster := range clusters {
		by[cluster.state()] = append(by[cluster.state()], i)
	}
	now := append(by[missing], by[drifted]...)
	switch {
	case len(by[starting]) > 0 || len(now) > 0:
		return now
	case len(by[broken]) > 0:
		return by[broken][:1]
	case len(by[outdated]) > 0:
		return by[outdated][:1]
	}
	return nil
}

// state is what matters of a cluster for the decision.
type state int

const (
	missing state = iota
	drifted
	starting // as desired, and not available yet
	done
	broken   // not as desired, and down anyway
	outdated // not as desired, and running
)

func (c Cluster) state() state {
	switch {
	case !c.Exists:
		return missing
	case c.Drifted:
		return drifted
	case c.Updated && !c.Available:
		return starting
	case c.Updated:
		return done
	case !c.Available:
		return broken
	}
	return outdated
}
