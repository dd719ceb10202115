package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestWhoMaySeeWhat(t *testing.T) {
	dashboardFile := filepath.Join(t.TempDir(), "dashboard")
	if err := os.WriteFile(dashboardFile, []byte("dash\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := map[string]string{"ARGUS_METRICS_PATH": "internal/metrics"}
	closed := map[string]string{"ARGUS_METRICS_AUTH_TOKEN": "scrape", "ARGUS_DASHBOARD_AUTH_TOKEN_FILE": dashboardFile}
	unreadable := map[string]string{"ARGUS_METRICS_AUTH_TOKEN_FILE": "/none", "ARGUS_DASHBOARD_AUTH_TOKEN_FILE": "/none"}
	off := map[string]string{"ARGUS_DASHBOARD": "off"}
	for name, tc := range map[string]struct {
		env                        map[string]string
		method, path, bearer, body string
		status                     int
	}{
		"health is open":                              {closed, "GET", "/healthz", "", "ok\n", 200},
		"health by HEAD":                              {closed, "HEAD", "/healthz", "", "", 200},
		"health is not posted to":                     {closed, "POST", "/healthz", "", "method not allowed\n", 405},
		"metrics without a token configured":          {nil, "GET", "/metrics", "", "# HELP", 200},
		"metrics at a path of one's own":              {open, "GET", "/internal/metrics", "", "# HELP", 200},
		"metrics are not where they are not":          {open, "GET", "/metrics", "", "not found\n", 404},
		"metrics without the token":                   {closed, "GET", "/metrics", "", "unauthorized\n", 401},
		"metrics with the token":                      {closed, "GET", "/metrics", "scrape", "# HELP", 200},
		"metrics with the token in the query":         {closed, "GET", "/metrics?token=scrape", "", "# HELP", 200},
		"a wrong header beats a right query":          {closed, "GET", "/metrics?token=scrape", "wrong", "unauthorized\n", 401},
		"metrics with the dashboard's token":          {closed, "GET", "/metrics", "dash", "unauthorized\n", 401},
		"metrics by POST":                             {closed, "POST", "/metrics", "scrape", "method not allowed\n", 405},
		"a token that cannot be read closes":          {unreadable, "GET", "/metrics", "", "unauthorized\n", 401},
		"the dashboard's too":                         {unreadable, "GET", "/", "", "unauthorized\n", 401},
		"the page without a token configured":         {nil, "GET", "/", "", "argus-bot: a simulated bot", 200},
		"the page without the token":                  {closed, "GET", "/", "", "unauthorized\n", 401},
		"the page with the token":                     {closed, "GET", "/", "dash", "argus-bot: a simulated bot", 200},
		"the configuration":                           {closed, "GET", "/api/config", "dash", `{"analytics_enabled":false,"auth_required":true,"grafana_url":null,"metrics_path":"/metrics","namespace":"discord","version":"dev"}` + "\n", 200},
		"the configuration, open":                     {nil, "GET", "/api/config", "", `{"analytics_enabled":false,"auth_required":false,"grafana_url":null,"metrics_path":"/metrics","namespace":"discord","version":"dev"}` + "\n", 200},
		"an unknown path without the token":           {closed, "GET", "/nothing", "", "unauthorized\n", 401},
		"an unknown path with the token":              {closed, "GET", "/nothing", "dash", "not found\n", 404},
		"no page with the dashboard off":              {off, "GET", "/", "", "not found\n", 404},
		"metrics with the dashboard off":              {off, "GET", "/metrics", "", "# HELP", 200},
		"a token that is no ASCII":                    {closed, "GET", "/metrics", "schlüssel", "unauthorized\n", 401},
		"a path that climbs is not cleaned, not sent": {nil, "GET", "/x/../metrics", "", "not found\n", 404},
	} {
		t.Run(name, func(t *testing.T) {
			bot := runBot(t, tc.env)
			status, header, body := get(t, tc.method, "http://"+bot.address()+tc.path, tc.bearer)
			if status != tc.status || !strings.HasPrefix(body, tc.body) {
				t.Errorf("%d %.100q, want %d %q", status, body, tc.status, tc.body)
			}
			assertHardened(t, header)
			if status := bot.end(); status != 0 {
				t.Errorf("status %d, want 0", status)
			}
			for _, secret := range []string{"scrape", "dash\n", tc.bearer} {
				if secret != "" && strings.Contains(bot.stderr.String(), secret) {
					t.Errorf("the log shows a token:\n%s", bot.stderr)
				}
			}
		})
	}
}

func assertHardened(t *testing.T, header http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Server": "argus", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-src 'self'; object-src 'none'; frame-ancestors 'none'",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// The catalogue of a bot's metrics: family, type and labels.
var wantFamilies = []string{
	"argus_subsystem_up gauge subsystem",
	"argus_up gauge",
	"discord_app_command_duration_seconds histogram cluster,command",
	"discord_app_commands_registered gauge cluster",
	"discord_app_commands_total counter cluster,command,status",
	"discord_bot_info gauge argus_version,discord_py_version",
	"discord_cached_users gauge cluster",
	"discord_command_errors_total counter cluster,command,error_type",
	"discord_emojis gauge cluster",
	"discord_gateway_events_total counter cluster,event",
	"discord_guilds gauge cluster",
	"discord_interactions_total counter cluster,status,type",
	"discord_private_channels gauge cluster",
	"discord_ratelimits_total counter cluster",
	"discord_shard_latency_seconds gauge shard",
	"discord_shard_reconnects_total counter cluster,shard",
	"discord_shard_up gauge shard",
	"discord_shard_ws_ratelimited gauge shard",
	"discord_shards_configured gauge cluster",
	"discord_shards_connected gauge cluster",
	"discord_stickers gauge cluster",
	"discord_uptime_seconds gauge cluster",
	"discord_voice_clients gauge cluster",
}

func TestTheMetricsAreTheCatalogues(t *testing.T) {
	// A guild count this high brings errors, and with them every family, within moments.
	bot := runBot(t, map[string]string{"ARGUS_PROCESS_METRICS": "0"}, "--guilds=100000000", "--shards=2")
	var got []string
	eventually(t, "a command to fail", func() bool {
		_, _, body := get(t, http.MethodGet, "http://"+bot.address()+"/metrics", "")
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatalf("the metrics cannot be parsed: %v", err)
		}
		got = nil
		for name, family := range families {
			var labels []string
			for _, label := range family.GetMetric()[0].GetLabel() {
				labels = append(labels, label.GetName())
			}
			slices.Sort(labels)
			got = append(got, strings.TrimSpace(name+" "+strings.ToLower(family.GetType().String())+" "+strings.Join(labels, ",")))
		}
		return families["discord_command_errors_total"] != nil
	})
	slices.Sort(got)
	if diff := cmp.Diff(wantFamilies, got); diff != "" {
		t.Errorf("families (-want +got):\n%s", diff)
	}
	if status := bot.end(); status != 0 {
		t.Errorf("status %d, want 0", status)
	}
}
