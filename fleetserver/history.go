package fleetserver

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
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
	view, _ := s.assemble()
	points := map[string]fleetapi.Metrics{}
	for _, fleet := range view.Fleets {
		if fleet.ClustersUp > 0 {
			points[globalSeries] = view.Global
			points[fleetSeries+fleet.Name] = fleet.Rollup
		}
		for _, c := range fleet.Clusters {
			if c.Status == fleetapi.StatusUp && c.ValuesAt != nil {
				points[clusterSeries+c.Identity] = c.Metrics
			}
		}
	}
	s.history.Record(view.GeneratedAt, points)
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
