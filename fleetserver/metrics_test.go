package fleetserver

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// families gathers what is exposed, without the Go and process collectors'.
func (p *plane) families() map[string]*dto.MetricFamily {
	p.t.Helper()
	gathered, err := p.metrics.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	families := map[string]*dto.MetricFamily{}
	for _, family := range gathered {
		families[family.GetName()] = family
	}
	return families
}

// exercise makes every metric appear.
func exercise(p *plane) {
	p.join("a", "asia")
	p.beat("a", "", snapshot(map[string]float64{"guilds": 1}))
	p.view()
	p.ask(get, "/api/config", "wrong", "")
	p.ask(get, "/nothing", "viewer", "")
	p.ask(get, fleetapi.PathTopCommands+"?guild_id=1", "viewer", "")
}

// newConnectedPlane has a Prometheus and a ClickHouse, neither of which answers.
func newConnectedPlane(t *testing.T) *plane {
	t.Helper()
	return newPlane(t, fleetapi.EnvFleetPrometheusURL, "http://127.0.0.1:1", fleetapi.EnvFleetClickHouseDSN, "http://127.0.0.1:1")
}

func TestMetricsAndTheirLabelsAreExactlyThese(t *testing.T) {
	p := newConnectedPlane(t)
	exercise(p)
	want := map[string][]string{
		"argus_fleet_registrations_total":          nil,
		"argus_fleet_heartbeats_total":             nil,
		"argus_fleet_identity_conflicts_total":     nil,
		"argus_fleet_view_build_seconds":           nil,
		"argus_fleet_clusters":                     {"fleet", "status"},
		"argus_fleet_registry_entries":             nil,
		"argus_fleet_http_requests_total":          {"code", "route"},
		"argus_fleet_refusals_total":               {"reason"},
		"argus_fleet_auth_failures_total":          {"surface"},
		"argus_fleet_scrape_targets_refused_total": nil,
		"argus_fleet_token_reload_failures_total":  nil,
		"argus_fleet_tls_reload_failures_total":    nil,
		"argus_fleet_retired_entries":              nil,
		"argus_fleet_retired_forgotten_total":      nil,
		"argus_fleet_store_commit_seconds":         nil,
		"argus_fleet_store_errors_total":           nil,
		"argus_fleet_state_lock_held":              nil,
		"argus_fleet_build_info":                   {"goversion", "version"},
		"argus_fleet_prometheus_round_seconds":     {"outcome"},
		"argus_fleet_analytics_seconds":            {"outcome", "question"},
	}
	got := map[string][]string{}
	for name, family := range p.families() {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		var labels []string
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, label.GetName())
		}
		slices.Sort(labels)
		got[name] = labels
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNoMetricHasALabelOfAPerson(t *testing.T) {
	p := newConnectedPlane(t)
	exercise(p)
	for name, family := range p.families() {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if slices.Contains([]string{"guild_id", "user_id", "channel_id", "identity", "remote"}, label.GetName()) {
					t.Errorf("%s has the label %s", name, label.GetName())
				}
			}
		}
	}
}

func TestClustersHaveBothRowsOfEveryFleet(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.join("b", "europe")
	p.clock.advance(60e9)
	p.beat("b", "", "")
	body := p.ask(get, "/metrics", "viewer", "").body
	for _, line := range []string{
		`argus_fleet_clusters{fleet="asia",status="up"} 0`, `argus_fleet_clusters{fleet="asia",status="down"} 1`,
		`argus_fleet_clusters{fleet="europe",status="up"} 1`, `argus_fleet_clusters{fleet="europe",status="down"} 0`,
		`argus_fleet_registry_entries 2`, `argus_fleet_registrations_total 2`, `argus_fleet_heartbeats_total 1`,
		`argus_fleet_build_info{goversion="`,
	} {
		if !strings.Contains(body, line) {
			t.Errorf("/metrics lacks %q", line)
		}
	}
}
