//go:build e2e

package prometheus

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

const (
	ingestToken = "an-ingest-token"
	viewerToken = "a-viewer-token"
)

// plane is as much of a control plane as bots and Prometheus' discovery need.
// It is not the real one because that publishes no loopback targets.
type plane struct {
	*httptest.Server
	push *source.Push

	mu      sync.Mutex
	targets []fleetapi.TargetGroup
}

func startPlane(t *testing.T) *plane {
	t.Helper()
	p := &plane{push: source.NewPush(time.Now), targets: []fleetapi.TargetGroup{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+fleetapi.PathRegister, guarded(ingestToken, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, fleetapi.RegisterResponse{Number: 1, Lease: "lease", IntervalSeconds: 1, TTLSeconds: 5})
	}))
	mux.HandleFunc("POST "+fleetapi.PathHeartbeat, guarded(ingestToken, p.heartbeat))
	mux.HandleFunc("POST "+fleetapi.PathLeave, guarded(ingestToken, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.HandleFunc("GET "+fleetapi.PathTargets, guarded(viewerToken, func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		reply(w, p.targets)
	}))
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func guarded(token string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (p *plane) heartbeat(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	beat, err := source.DecodeHeartbeat(body, fleetapi.DefaultMetricPrefix)
	if err != nil || beat.Reading == nil {
		http.Error(w, "no snapshot", http.StatusBadRequest)
		return
	}
	p.push.Observe(beat.Identity, 1, beat.Reading)
	w.WriteHeader(http.StatusNoContent)
}

// discover lists a bot as the control plane does.
func (p *plane) discover(identity, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = append(p.targets, fleetapi.TargetGroup{
		Targets: []string{address},
		Labels:  map[string]string{"cluster": identity, "fleet": fleetapi.DefaultFleet, "__metrics_path__": fleetapi.PathMetrics},
	})
}
