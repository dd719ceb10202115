package fleetserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// statusRequest narrows a status to a fleet and to identities with a prefix;
// empty means all.
type statusRequest struct{ fleet, prefix string }

func statusQuery(r *http.Request) (statusRequest, error) {
	query := r.URL.Query()
	return statusRequest{query.Get("fleet"), query.Get("prefix")}, nil
}

// status is what an operator polls. Its ETag covers all but values_at, which
// moves with every heartbeat.
func (s *Server) status(_ context.Context, _ Caller, q statusRequest) (rendered, error) {
	status := fleetapi.Status{Version: s.config.Version, StartedAt: s.started, Clusters: []fleetapi.ClusterStatus{}}
	for c := range s.registry.All() {
		if (q.fleet == "" || c.Fleet == q.fleet) && strings.HasPrefix(c.Identity, q.prefix) {
			status.Clusters = append(status.Clusters, s.clusterStatus(c))
		}
	}
	body, err := json.Marshal(status)
	if err != nil {
		return rendered{}, fmt.Errorf("encoding the status: %w", err)
	}
	for i := range status.Clusters {
		// Whether there are values counts; when they came does not.
		if status.Clusters[i].ValuesAt != nil {
			status.Clusters[i].ValuesAt = &status.Clusters[i].RegisteredAt
		}
	}
	stable, err := json.Marshal(status)
	if err != nil {
		return rendered{}, fmt.Errorf("encoding the status: %w", err)
	}
	digest := sha256.Sum256(stable)
	return rendered{body: body, etag: `W/"` + hex.EncodeToString(digest[:12]) + `"`}, nil
}

// clusterStatus tells only what the running process says of itself: an operator
// waits for that, and what Prometheus holds may still be its forerunner's.
func (s *Server) clusterStatus(c registry.Cluster) fleetapi.ClusterStatus {
	values := s.push.Values(c.Identity)
	status := fleetapi.ClusterStatus{
		Identity: c.Identity, Fleet: c.Fleet, Number: c.Number, Status: statusWord(c.Up),
		Registrations: c.Registrations, ShardsTotal: len(values.Shards),
		Guilds: values.Metrics.Guilds, RegisteredAt: c.RegisteredAt, ValuesAt: valuesAt(values.At),
		Token: c.Token,
	}
	for _, shard := range values.Shards {
		if shard.Status == fleetapi.StatusUp {
			status.ShardsUp++
		}
	}
	return status
}

func statusWord(up bool) string {
	if up {
		return fleetapi.StatusUp
	}
	return fleetapi.StatusDown
}
