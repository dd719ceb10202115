package fleetserver

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func (s *Server) describe(context.Context, Caller, none) (fleetapi.Config, error) {
	return fleetapi.Config{
		Fleet:            true,
		Namespace:        s.config.Namespace,
		Version:          s.config.Version,
		AuthRequired:     !s.keyring.List(fleetapi.SurfaceViewer).Open(),
		AnalyticsEnabled: s.analytics != nil,
		Interval:         int(s.config.HeartbeatInterval.Seconds()),
		TTLSeconds:       int(s.config.TTL().Seconds()),
		Tokens:           s.tokenInfo(),
	}, nil
}

// tokenInfo names the accepted tokens, or is nil without a pepper.
func (s *Server) tokenInfo() *fleetapi.Tokens {
	if s.config.SecretPepper.Value == "" {
		return nil
	}
	return &fleetapi.Tokens{
		Ingest: s.surfaceTokens(fleetapi.SurfaceIngest),
		Viewer: s.surfaceTokens(fleetapi.SurfaceViewer),
	}
}

func (s *Server) fingerprint(surface, token string) string {
	return fleetapi.Fingerprint(s.config.SecretPepper.Value, surface, token)
}

func (s *Server) surfaceTokens(surface string) []fleetapi.TokenInfo {
	infos := []fleetapi.TokenInfo{}
	for _, use := range s.keyring.List(surface).Uses() {
		info := fleetapi.TokenInfo{Fingerprint: use.Name}
		if !use.Last.IsZero() {
			age := max(s.now().Sub(use.Last).Seconds(), 0)
			info.LastUsedAgeSeconds = &age
		}
		infos = append(infos, info)
	}
	return infos
}

func (s *Server) view(context.Context, Caller, none) (rendered, error) {
	snapshot, err := s.views.get()
	return snapshot.rendered, err
}

func (s *Server) summary(context.Context, Caller, none) (fleetapi.Summary, error) {
	snapshot, err := s.views.get()
	if err != nil {
		return fleetapi.Summary{}, err
	}
	summary := fleetapi.Summary{Version: s.config.Version, Global: snapshot.view.Global, Fleets: []fleetapi.FleetSummary{}}
	for _, fleet := range snapshot.view.Fleets {
		summary.ClustersUp += fleet.ClustersUp
		summary.ClustersTotal += fleet.ClustersTotal
		summary.Fleets = append(summary.Fleets, fleetapi.FleetSummary{
			Name: fleet.Name, ClustersUp: fleet.ClustersUp, ClustersTotal: fleet.ClustersTotal, Rollup: fleet.Rollup,
		})
	}
	return summary, nil
}

// clusterRequest names a cluster as people do: fleet and number.
type clusterRequest struct {
	fleet  string
	number int
}

func clusterQuery(r *http.Request) (clusterRequest, error) {
	query := r.URL.Query()
	digits := query.Get("number")
	number, err := strconv.Atoi(digits)
	if query.Get("fleet") == "" || err != nil || slices.ContainsFunc([]byte(digits), func(c byte) bool { return c < '0' || c > '9' }) {
		return clusterRequest{}, errClusterQuery
	}
	return clusterRequest{query.Get("fleet"), number}, nil
}

func (s *Server) cluster(_ context.Context, _ Caller, q clusterRequest) (fleetapi.ClusterDetail, error) {
	snapshot, err := s.views.get()
	if err != nil {
		return fleetapi.ClusterDetail{}, err
	}
	for _, fleet := range snapshot.view.Fleets {
		if fleet.Name != q.fleet {
			continue
		}
		i := slices.IndexFunc(fleet.Clusters, func(c fleetapi.Cluster) bool { return c.Number == q.number })
		if i >= 0 {
			c := fleet.Clusters[i]
			return fleetapi.ClusterDetail{Cluster: c, History: s.history.Get(clusterSeries + c.Identity)}, nil
		}
	}
	return fleetapi.ClusterDetail{}, errClusterNotFound
}

// targets lists what Prometheus can scrape. A member that left is not listed.
func (s *Server) targets(context.Context, Caller, none) ([]fleetapi.TargetGroup, error) {
	groups := []fleetapi.TargetGroup{}
	for c := range s.registry.All() {
		if c.ScrapeTarget == "" || c.Left {
			continue
		}
		groups = append(groups, fleetapi.TargetGroup{
			Targets: []string{c.ScrapeTarget},
			Labels:  map[string]string{"cluster": c.Identity, "fleet": c.Fleet, "__metrics_path__": "/metrics"},
		})
	}
	return groups, nil
}
