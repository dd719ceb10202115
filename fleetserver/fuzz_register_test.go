package fleetserver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// fuzzServer is a control plane without a listener, for one fuzzing process.
func fuzzServer(f *testing.F) *Server {
	f.Helper()
	values := map[string]string{
		fleetapi.EnvFleetState: filepath.Join(f.TempDir(), "state.db"), fleetapi.EnvFleetIngestToken: tokens["ingest"],
		fleetapi.EnvFleetViewerToken: tokens["viewer"], fleetapi.EnvFleetHost: "127.0.0.1", fleetapi.EnvFleetViewCacheMillis: "0",
		fleetapi.EnvFleetRegisterBurst: "1000000", fleetapi.EnvFleetHeartbeatBurst: "1000000", fleetapi.EnvFleetReadBurst: "1000000",
		fleetapi.EnvFleetMaxClusters: "100",
	}
	config, err := ConfigFromEnv(lookup(values), nil)
	if err != nil {
		f.Fatal(err)
	}
	server, err := New(context.Background(), config, Deps{Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := server.Close(); err != nil {
			f.Error(err)
		}
	})
	return server
}

func serve(server *Server, method, path, token, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	server.Handler().ServeHTTP(recorder, request)
	return recorder
}

// FuzzRegister sends anything as the body of a register: the answer is one of
// the wire's, what is accepted is listed under the number that was told, and
// whatever names are in the fleet, the view is JSON.
func FuzzRegister(f *testing.F) {
	server := fuzzServer(f)
	f.Add(`{"identity": "bot-0", "fleet": "asia", "version": "0.4.2", "scrape_target": "10.0.0.1:9191", "lease": "x"}`)
	f.Fuzz(func(t *testing.T, body string) {
		got := serve(server, http.MethodPost, fleetapi.PathRegister, tokens["ingest"], body)
		switch got.Code {
		case http.StatusOK:
		case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge:
			if text := got.Body.String(); strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
				t.Fatalf("the refusal is not one line: %q", text)
			}
			if wouldBeAccepted(body) && got.Code != http.StatusForbidden {
				t.Fatalf("%d %s for %q", got.Code, got.Body, body)
			}
			return
		default:
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		var told fleetapi.RegisterResponse
		if err := json.Unmarshal(got.Body.Bytes(), &told); err != nil || told.Number < 1 || len(told.Lease) != 43 {
			t.Fatalf("the reply is %s (%v)", got.Body, err)
		}
		retireAs(t, server, told)
	})
}

// wouldBeAccepted is true for bodies of which there is no doubt: flat objects
// without escapes, and without upper case, for encoding/json ignores the case of keys.
func wouldBeAccepted(body string) bool {
	if !utf8.ValidString(body) || strings.ContainsAny(body, "\\[") || strings.Count(body, "{") != 1 ||
		strings.Count(body, `"identity"`) != 1 || strings.ToLower(body) != body {
		return false
	}
	var q struct{ Identity, Fleet, Version, Lease string }
	if json.Unmarshal([]byte(body), &q) != nil {
		return false
	}
	plain := func(name string, limit int) bool {
		return utf8.RuneCountInString(name) <= limit && !strings.ContainsFunc(name, unicode.IsControl)
	}
	return q.Identity != "" && plain(q.Identity, registry.MaxIdentityRunes) && plain(q.Fleet, registry.MaxFleetRunes)
}

// retireAs looks at the newcomer in the view and makes room for the next one.
func retireAs(t *testing.T, server *Server, told fleetapi.RegisterResponse) {
	t.Helper()
	shown := serve(server, http.MethodGet, fleetapi.PathView, tokens["viewer"], "")
	var view fleetapi.View
	if err := json.Unmarshal(shown.Body.Bytes(), &view); err != nil {
		t.Fatalf("the view is no JSON any more: %v", err)
	}
	found := 0
	for _, fleet := range view.Fleets {
		for _, cluster := range fleet.Clusters {
			if cluster.Number == told.Number {
				found++
			}
			change, err := server.registry.Retire(t.Context(), cluster.Identity, true, true)
			if err == nil {
				err = server.commit(t.Context(), change)
			}
			if err != nil {
				t.Fatal(fmt.Errorf("retiring %q: %w", cluster.Identity, err))
			}
		}
	}
	if found != 1 {
		t.Fatalf("number %d is listed %d times", told.Number, found)
	}
}
