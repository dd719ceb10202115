package environment

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// An alert over a series that does not exist never fires. The page's table of metrics
// is itself compared with a running control plane by test/docs.
func TestAlertsAreAboutMetricsThatExist(t *testing.T) {
	fleet := parse[v1alpha1.ArgusFleet](t, `{metadata: {name: main, namespace: bots}, spec: {
		prometheusRule: {}, tls: {secretRef: {name: tls}}, prometheus: {url: "http://prometheus"}}}`)
	rules, err := yaml.Marshal(manifests.FleetPrometheusRule(fleet).Object)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/fleet-control-plane.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`argus_fleet_[a-z_]+`).FindAllString(string(rules), -1)
	if len(names) < 8 {
		t.Fatalf("found only %v", names)
	}
	for _, name := range names {
		if !strings.Contains(string(page), "| `"+strings.TrimSuffix(name, "_count")+"` |") {
			t.Errorf("no control plane has the metric %s", name)
		}
	}
}

// The same of a bot's alerts: what argus-dpy serves, with its default prefix.
func TestABotsAlertsAreAboutMetricsThatExist(t *testing.T) {
	served := map[string]bool{
		"discord_shards_connected": true, "discord_shards_configured": true, "discord_app_commands_total": true,
		"discord_ratelimits_total": true, "argus_instrumentation_errors_total": true, "process_start_time_seconds": true,
	}
	bot := parse[v1alpha1.ArgusBot](t, `{metadata: {name: mybot, namespace: bots}, spec: {prometheusRule: {}}}`)
	rules, err := yaml.Marshal(manifests.BotPrometheusRule(bot, nil).Object)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(discord|argus_instrumentation|process)_[a-z_]+`).FindAllString(string(rules), -1) {
		used[name] = true
	}
	if diff := cmp.Diff(served, used); diff != "" {
		t.Errorf("metrics of the alerts: -served +used\n%s", diff)
	}
}
