package docs

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
)

// newServer has everything that a control plane can have.
func newServer(t *testing.T, metrics *prometheus.Registry) *fleetserver.Server {
	t.Helper()
	env := map[string]string{
		fleetapi.EnvFleetHost: "127.0.0.1", fleetapi.EnvFleetState: filepath.Join(t.TempDir(), "state.db"),
		fleetapi.EnvFleetToken: "token", fleetapi.EnvFleetAdminToken: "admin",
		fleetapi.EnvFleetPrometheusURL: "http://127.0.0.1:1", fleetapi.EnvFleetClickHouseDSN: "http://127.0.0.1:1",
	}
	config, err := fleetserver.ConfigFromEnv(func(name string) (string, bool) { value, ok := env[name]; return value, ok }, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := fleetserver.New(t.Context(), config, fleetserver.Deps{Logger: slog.New(slog.DiscardHandler), Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func TestRoutes(t *testing.T) {
	var inCode, onPage []string
	for _, r := range newServer(t, prometheus.NewRegistry()).Routes() {
		inCode = append(inCode, row(r.Method, r.Path, r.Permission))
	}
	for _, cells := range table(t, "Method | Path | Permission | What", "## Routes") {
		onPage = append(onPage, row(cells[0], plain(cells[1]), cells[2]))
	}
	compare(t, "routes", inCode, onPage)
}

// TestMetrics gathers after a request of each kind, so that every family shows.
func TestMetrics(t *testing.T) {
	metrics := prometheus.NewRegistry()
	handler := newServer(t, metrics).Handler()
	ask := func(method, path, token, body string) {
		request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
	ask(http.MethodPost, fleetapi.PathRegister, "token", `{"identity": "a"}`)
	ask(http.MethodGet, fleetapi.PathView, "wrong", "")
	ask(http.MethodGet, fleetapi.PathView, "token", "")
	ask(http.MethodGet, fleetapi.PathAvgDuration+"?guild_id=1", "token", "")
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var inCode, onPage []string
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "go_") || strings.HasPrefix(family.GetName(), "process_") {
			continue
		}
		labels := []string{}
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, label.GetName())
		}
		slices.Sort(labels)
		inCode = append(inCode, row(append([]string{family.GetName()}, labels...)...))
	}
	for _, cells := range table(t, "Metric | Labels | Meaning", "## Metrics") {
		named := []string{plain(cells[0])}
		for _, label := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(cells[1], -1) {
			named = append(named, label[1])
		}
		onPage = append(onPage, row(named...))
	}
	compare(t, "metrics", inCode, onPage)
}
