package fleetserver

import (
	"slices"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// deltaOf compares two views. Both list fleets by name and clusters by number.
func deltaOf(before, after fleetapi.View) fleetapi.Delta {
	delta := fleetapi.Delta{
		GeneratedAt: after.GeneratedAt, Global: after.Global,
		Fleets: []fleetapi.FleetSummary{}, Clusters: []fleetapi.Cluster{}, Removed: []string{}, Events: []fleetapi.Event{},
	}
	former := map[string]*fleetapi.Cluster{}
	for _, fleet := range before.Fleets {
		for i := range fleet.Clusters {
			former[fleet.Clusters[i].Identity] = &fleet.Clusters[i]
		}
	}
	for _, fleet := range after.Fleets {
		delta.Fleets = append(delta.Fleets, fleetapi.FleetSummary{
			Name: fleet.Name, ClustersUp: fleet.ClustersUp, ClustersTotal: fleet.ClustersTotal, Rollup: fleet.Rollup,
		})
		for _, c := range fleet.Clusters {
			if last := former[c.Identity]; last == nil || changed(*last, c) {
				delta.Clusters = append(delta.Clusters, c)
			}
			delete(former, c.Identity)
		}
	}
	for identity := range former {
		delta.Removed = append(delta.Removed, identity)
	}
	slices.Sort(delta.Removed)
	return delta
}

// changed compares what moves whenever anything of a cluster does: values come
// with a beat or from Prometheus, everything else with a register or with time.
func changed(a, b fleetapi.Cluster) bool {
	return !a.LastSeen.Equal(b.LastSeen) || !a.RegisteredAt.Equal(b.RegisteredAt) || a.Registrations != b.Registrations ||
		a.Status != b.Status || a.Fleet != b.Fleet || a.Number != b.Number || !sameValues(a, b)
}

func sameValues(a, b fleetapi.Cluster) bool {
	sameTime := a.ValuesAt == b.ValuesAt || (a.ValuesAt != nil && b.ValuesAt != nil && a.ValuesAt.Equal(*b.ValuesAt))
	return sameTime && a.Metrics == b.Metrics && a.Oversized == b.Oversized && same(a.Missing, b.Missing) && same(a.Shards, b.Shards)
}

// same is slices.Equal, at once for what two views share.
func same[T comparable](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}
