// Package rollout decides which clusters of a bot may be started or restarted now.
// It is pure: it sees what was read and returns what to do.
package rollout

// Cluster is what is known of one cluster of a bot.
type Cluster struct {
	// Exists: its Deployment stands.
	Exists bool
	// Updated: the Deployment is as desired.
	Updated bool
	// Available: its pod runs and is ready, of the template that the Deployment has now.
	Available bool
}

// Next returns the indexes of the clusters whose Deployment may be written now, in
// the order in which to write them.
//
// A cluster that does not exist yet is always created. Of the others one at a time
// is changed, and the next only when that one is available again, so a bad change
// stops at its first cluster: clusters that are down anyway come first, then the
// lowest index.
func Next(clusters []Cluster) []int {
	var create []int
	broken, outdated := -1, -1
	busy := false
	for i, cluster := range clusters {
		switch {
		case !cluster.Exists:
			create = append(create, i)
		case cluster.Updated:
			busy = busy || !cluster.Available
		case !cluster.Available && broken < 0:
			broken = i
		case cluster.Available && outdated < 0:
			outdated = i
		}
	}
	switch {
	case busy || len(create) > 0:
		return create
	case broken >= 0:
		return []int{broken}
	case outdated >= 0:
		return []int{outdated}
	}
	return nil
}
