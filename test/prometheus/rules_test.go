//go:build e2e

package prometheus

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// watched is a control plane with everything that an alert may be about.
func watched() *v1alpha1.ArgusFleet {
	fleet := &v1alpha1.ArgusFleet{Spec: v1alpha1.ArgusFleetSpec{
		PrometheusRule: &v1alpha1.MonitorObject{}, TLS: &v1alpha1.FleetTLS{}, MaxClusters: new(int32(100)),
		Prometheus: &v1alpha1.FleetPrometheus{URL: "http://prometheus:9090"},
	}}
	fleet.Name, fleet.Namespace = "main", "bots"
	return fleet
}

// watchedBot is a bot with everything that an alert may be about.
func watchedBot() *v1alpha1.ArgusBot {
	bot := &v1alpha1.ArgusBot{Spec: v1alpha1.ArgusBotSpec{PrometheusRule: &v1alpha1.MonitorObject{}}}
	bot.Name, bot.Namespace = "mybot", "bots"
	return bot
}

// scenario is one alert's: the series with which it must fire, and those with which it
// must not. OURS stands for the labels of what is watched.
type scenario struct {
	fires, silent map[string]string
	// after is when the alert is looked at.
	after string
}

// scenarios by alert. In values, 0x20 is 0 for twenty minutes, 0+1x20 rises by one.
func scenarios() map[string]scenario {
	const up, other = `up{OURS}`, `up{namespace="other",job="main-fleet"}`
	count := func(metric string) scenario {
		return scenario{fires: map[string]string{metric + "{OURS}": "0 0 0 1x20"}, silent: map[string]string{metric + "{OURS}": "3x30"}, after: "5m"}
	}
	return map[string]scenario{
		"ArgusFleetDown":                  {fires: map[string]string{up: "0x20", other: "1x20"}, silent: map[string]string{up: "1x20"}, after: "10m"},
		"ArgusFleetStateNotWritten":       count("argus_fleet_store_errors_total"),
		"ArgusFleetTokensUnreadable":      count("argus_fleet_token_reload_failures_total"),
		"ArgusFleetCertificateUnreadable": count("argus_fleet_tls_reload_failures_total"),
		"ArgusFleetIdentityConflict":      count("argus_fleet_identity_conflicts_total"),
		"ArgusFleetTokensRefused": {
			fires:  map[string]string{`argus_fleet_auth_failures_total{OURS,surface="ingest"}`: "0+60x40"},
			silent: map[string]string{`argus_fleet_auth_failures_total{OURS,surface="ingest"}`: "0+1x40"}, after: "35m",
		},
		"ArgusFleetClustersDown": {
			fires:  map[string]string{`argus_fleet_clusters{OURS,fleet="asia",status="down"}`: "1x20", `argus_fleet_clusters{OURS,fleet="asia",status="up"}`: "9x20"},
			silent: map[string]string{`argus_fleet_clusters{OURS,fleet="asia",status="down"}`: "0x20", `argus_fleet_clusters{OURS,fleet="asia",status="up"}`: "9x20"},
			after:  "15m",
		},
		"ArgusFleetNearlyFull": {
			fires:  map[string]string{"argus_fleet_registry_entries{OURS}": "95x20"},
			silent: map[string]string{"argus_fleet_registry_entries{OURS}": "90x20"}, after: "15m",
		},
		"ArgusFleetPrometheusSilent": {
			fires: map[string]string{
				`argus_fleet_prometheus_round_seconds_count{OURS,outcome="silent"}`:   "0+4x40",
				`argus_fleet_prometheus_round_seconds_count{OURS,outcome="answered"}`: "7x40",
			},
			silent: map[string]string{
				`argus_fleet_prometheus_round_seconds_count{OURS,outcome="silent"}`:   "0+1x40",
				`argus_fleet_prometheus_round_seconds_count{OURS,outcome="answered"}`: "0+4x40",
			},
			after: "30m",
		},
	}
}

// botScenarios by alert.
func botScenarios() map[string]scenario {
	const other = `up{namespace="bots",job="bots/other-bot",cluster="other-0"}`
	one := func(metric, fires, silent, after string) scenario {
		return scenario{fires: map[string]string{metric: fires}, silent: map[string]string{metric: silent}, after: after}
	}
	commands := func(failed string) map[string]string {
		return map[string]string{
			`discord_app_commands_total{OURS,status="success"}`: "0+60x90", `discord_app_commands_total{OURS,status="error"}`: failed,
		}
	}
	return map[string]scenario{
		"ArgusBotClusterDown": {fires: map[string]string{"up{OURS}": "0x20", other: "1x20"}, silent: map[string]string{"up{OURS}": "1x20", other: "0x20"}, after: "10m"},
		"ArgusBotShardsDisconnected": {
			fires:  map[string]string{"discord_shards_connected{OURS}": "3x20", "discord_shards_configured{OURS}": "4x20"},
			silent: map[string]string{"discord_shards_connected{OURS}": "4x20", "discord_shards_configured{OURS}": "4x20"}, after: "10m",
		},
		"ArgusBotRestarting":            one("process_start_time_seconds{OURS}", "1 2 3 4 5 5x20", "1 2 3 4 4x20", "20m"),
		"ArgusBotInstrumentationErrors": one(`argus_instrumentation_errors_total{OURS,hook="interaction"}`, "0+1x40", "7x40", "30m"),
		"ArgusBotCommandsFail":          {fires: commands("0+20x90"), silent: commands("0+9x90"), after: "80m"},
		"ArgusBotRateLimited":           one("discord_ratelimits_total{OURS}", "0+2x20", "3x20", "15m"),
	}
}

// Prometheus' own tool takes the rules, and each alert fires when it should and is
// silent when it should.
func TestTheAlerts(t *testing.T) {
	if err := cluster.InstallPackages(t.Context(), os.Stderr, map[string]string{"promtool": "prometheus"}); err != nil {
		t.Fatal(err)
	}
	for sentence, tc := range map[string]struct {
		rule      *unstructured.Unstructured
		labels    string
		scenarios map[string]scenario
	}{
		"of a control plane": {manifests.FleetPrometheusRule(watched()), `namespace="bots",job="main-fleet",instance="10.0.0.1:9190"`, scenarios()},
		"of a bot":           {manifests.BotPrometheusRule(watchedBot(), nil), `namespace="bots",job="bots/mybot-bot",cluster="mybot-0",pod="p"`, botScenarios()},
	} {
		t.Run(sentence, func(t *testing.T) { tryAlerts(t, tc.rule.Object["spec"], tc.labels, tc.scenarios) })
	}
}

func tryAlerts(t *testing.T, spec any, labels string, scenarios map[string]scenario) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), spec)
	promtool(t, dir, "check", "rules", "rules.yaml")

	var alerts struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	text, err := yaml.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &alerts); err != nil {
		t.Fatal(err)
	}
	var tests []any
	for _, rule := range alerts.Groups[0].Rules {
		scenario, ok := scenarios[rule.Alert]
		if !ok {
			t.Errorf("%s has no scenario", rule.Alert)
			continue
		}
		tests = append(tests,
			ruleTest(rule.Alert, labels, scenario.after, scenario.fires, true), ruleTest(rule.Alert, labels, scenario.after, scenario.silent, false))
	}
	write(t, filepath.Join(dir, "tests.yaml"), map[string]any{"rule_files": []string{"rules.yaml"}, "tests": tests})
	promtool(t, dir, "test", "rules", "tests.yaml")
}

func ruleTest(alert, labels, after string, series map[string]string, fires bool) map[string]any {
	var inputs, samples []any
	for name, values := range series {
		inputs = append(inputs, map[string]any{
			"series": strings.ReplaceAll(name, "OURS", labels), "values": values,
		})
	}
	if fires {
		samples = []any{map[string]any{"labels": "{}", "value": 1}}
	}
	return map[string]any{
		"name": fmt.Sprintf("%s fires: %v", alert, fires), "interval": "1m", "input_series": inputs,
		"promql_expr_test": []any{map[string]any{
			"expr": fmt.Sprintf(`count(ALERTS{alertname=%q,alertstate="firing"})`, alert), "eval_time": after, "exp_samples": samples,
		}},
	}
}

func write(t *testing.T, file string, content any) {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "promtool", args...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
