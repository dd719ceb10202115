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
// with a beat, everything else with a register or with time.
func changed(a, b fleetapi.Cluster) bool {
	sameValues := a.ValuesAt == b.ValuesAt || (a.ValuesAt != nil && b.ValuesAt != nil && a.ValuesAt.Equal(*b.ValuesAt))
	return !sameValues || !a.LastSeen.Equal(b.LastSeen) || !a.RegisteredAt.Equal(b.RegisteredAt) ||
		a.Registrations != b.Registrations || a.Status != b.Status || a.Fleet != b.Fleet || a.Number != b.Number
}
