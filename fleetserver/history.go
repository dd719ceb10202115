package fleetserver

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

// minHistoryStep is the least distance of two points of the history.
const minHistoryStep = 15 * time.Second

// Names of series. A cluster's is its identity behind a prefix, so that no
// identity can be mistaken for a fleet.
const (
	globalSeries  = "global"
	fleetSeries   = "fleet\x00"
	clusterSeries = "cluster\x00"
)

func (s *Server) recordRegularly(ctx context.Context) {
	every(ctx, max(s.config.HeartbeatInterval, minHistoryStep), s.recordHistory)
}

// recordHistory adds a point for the whole, for each fleet and for each cluster
// that is up, whether or not anybody looks. A down cluster has a gap, and so has
// a fleet without one that is up.
func (s *Server) recordHistory() {
	s.history.Record(s.now().UTC().Truncate(time.Microsecond), s.points)
}

// points go from cluster to cluster, without a view of them all: in a large
// fleet that would be a burst of garbage, and heartbeats would pay for it.
func (s *Server) points(add func(series string, metrics fleetapi.Metrics)) {
	latest := s.values.Latest()
	all, fleets := source.Group{}, map[string]*source.Group{}
	for c := range s.registry.All() {
		if !c.Up {
			continue
		}
		if fleets[c.Fleet] == nil {
			fleets[c.Fleet] = &source.Group{}
		}
		values := latest(c.Identity)
		fleets[c.Fleet].Add(values)
		all.Add(values)
		if !values.At.IsZero() {
			add(clusterSeries+c.Identity, values.Metrics)
		}
	}
	for name, group := range fleets {
		add(fleetSeries+name, group.Rollup())
	}
	if len(fleets) > 0 {
		add(globalSeries, all.Rollup())
	}
}

// historyRequest names a fleet, or all of them by "".
type historyRequest struct{ fleet string }

func historyQuery(r *http.Request) (historyRequest, error) {
	return historyRequest{r.URL.Query().Get("fleet")}, nil
}

func (s *Server) fleetHistory(_ context.Context, _ Caller, q historyRequest) (fleetapi.History, error) {
	if q.fleet == "" {
		return fleetapi.History{History: s.history.Get(globalSeries)}, nil
	}
	snapshot, err := s.views.get()
	if err != nil {
		return fleetapi.History{}, err
	}
	if !slices.ContainsFunc(snapshot.view.Fleets, func(f fleetapi.Fleet) bool { return f.Name == q.fleet }) {
		return fleetapi.History{}, errFleetNotFound
	}
	return fleetapi.History{History: s.history.Get(fleetSeries + q.fleet)}, nil
}
