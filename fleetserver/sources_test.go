package fleetserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// remote is another server: a Prometheus or a ClickHouse that answers with what
// it was last told to.
type remote struct {
	*httptest.Server

	mu      sync.Mutex
	answer  func(query string) (int, string)
	headers []http.Header
}

func newRemote(t *testing.T, answer func(query string) (int, string)) *remote {
	t.Helper()
	r := &remote{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP answers one query.
func (r *remote) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.headers = append(r.headers, q.Header)
	answer := r.answer
	r.mu.Unlock()
	status, body := answer(q.URL.Query().Get("query"))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (r *remote) now(answer func(query string) (int, string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// guildsOf is a Prometheus that knows how many guilds a cluster has, and no more.
func guildsOf(cluster string, guilds int) func(string) (int, string) {
	return func(query string) (int, string) {
		rows := ""
		if query == "sum by (cluster) (discord_guilds)" {
			rows = fmt.Sprintf(`{"metric": {"cluster": %q}, "value": [1, "%d"]}`, cluster, guilds)
		}
		return 200, `{"status": "success", "data": {"resultType": "vector", "result": [` + rows + `]}}`
	}
}

func broken(string) (int, string) { return 500, "secret details" }

func TestPrometheusGoesBeforePushedValues(t *testing.T) {
	prometheus := newRemote(t, guildsOf("a", 70))
	p := newPlane(t, "ARGUS_FLEET_PROMETHEUS_URL", prometheus.URL, "ARGUS_FLEET_PROMETHEUS_TOKEN", "prom-token", "ARGUS_FLEET_VIEW_CACHE_MS", "1000")
	p.join("a", "asia")
	p.join("b", "asia")
	p.beat("a", "", snapshot(map[string]float64{"guilds": 3, "cached_users": 5}))
	p.beat("b", "", snapshot(map[string]float64{"guilds": 4}))
	guilds := func(when string, total, a, b float64) {
		t.Helper()
		view := p.view()
		clusters := view.Fleets[0].Clusters
		got := []float64{view.Global.Guilds, clusters[0].Metrics.Guilds, clusters[1].Metrics.Guilds, clusters[0].Metrics.CachedUsers}
		if diff := cmp.Diff([]float64{total, a, b, 5}, got); diff != "" {
			t.Errorf("%s: guilds of all, a and b, and users of a (-want +got)\n%s", when, diff)
		}
	}
	guilds("while Prometheus knows a", 74, 70, 4)
	prometheus.now(guildsOf("a", 71))
	guilds("within the window", 74, 70, 4)
	p.clock.advance(1001e6)
	guilds("after it, though nobody has pushed", 75, 71, 4)
	prometheus.now(broken)
	p.clock.advance(1001e6)
	guilds("while Prometheus is down", 7, 3, 4)
	prometheus.mu.Lock()
	if got := prometheus.headers[0].Get("Authorization"); got != "Bearer prom-token" {
		t.Errorf("Prometheus was asked with %q", got)
	}
	prometheus.mu.Unlock()
	if logs := p.logs.String(); strings.Count(logs, "Prometheus does not answer") != 1 || strings.Contains(logs, "secret details") {
		t.Errorf("the log:\n%s", logs)
	}
	var status fleetapi.Status
	p.get(fleetapi.PathStatus+"?prefix=a", &status)
	if status.Clusters[0].Guilds != 3 {
		t.Errorf("the operator is told %v guilds, want the pushed 3", status.Clusters[0].Guilds)
	}
	metrics := p.ask(get, "/metrics", "viewer", "").body
	for _, line := range []string{`round_seconds_count{outcome="answered"} 2`, `round_seconds_count{outcome="silent"} 1`} {
		if !strings.Contains(metrics, "argus_fleet_prometheus_"+line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}

// TestErrorRatesOfPrometheusAreRolledUpAsOneRatio never averages: two errors of
// a hundred commands and none of fifty are two of a hundred and fifty.
func TestErrorRatesOfPrometheusAreRolledUpAsOneRatio(t *testing.T) {
	rows := map[string]string{
		"sum by (cluster) (increase(bots_command_errors_total[5m]))": `{"metric": {"cluster": "a"}, "value": [1, "2"]}, {"metric": {"cluster": "b"}, "value": [1, "0"]}`,
		"sum by (cluster) (increase(bots_app_commands_total[5m]))":   `{"metric": {"cluster": "a"}, "value": [1, "60"]}, {"metric": {}, "value": [1, "9999"]}`,
		"sum by (cluster) (increase(bots_commands_total[5m]))":       `{"metric": {"cluster": "a"}, "value": [1, "40"]}, {"metric": {"cluster": "b"}, "value": [1, "50"]}`,
	}
	prometheus := newRemote(t, func(query string) (int, string) {
		return 200, `{"status": "success", "data": {"resultType": "vector", "result": [` + rows[query] + `]}}`
	})
	p := newPlane(t, "ARGUS_FLEET_PROMETHEUS_URL", prometheus.URL+"/", "ARGUS_NAMESPACE", "bots")
	p.join("a", "asia")
	p.join("b", "europe")
	view := p.view()
	got := []float64{view.Global.ErrorRate, view.Fleets[0].Rollup.ErrorRate, view.Fleets[1].Rollup.ErrorRate}
	if diff := cmp.Diff([]float64{2.0 / 150, 2.0 / 100, 0}, got); diff != "" {
		t.Errorf("error rates of all, asia and europe (-want +got)\n%s", diff)
	}
}

func TestAnUnusablePrometheusStopsTheStart(t *testing.T) {
	for name, value := range map[string]string{
		"a file": "file:///etc/passwd", "gopher": "gopher://x", "ftp": "ftp://x", "no scheme": "prom:9090", "a path": "/x",
		"credentials": "http://user:pass@prom",
	} {
		_, err := ConfigFromEnv(environmentOf(t, "ARGUS_FLEET_PROMETHEUS_URL", value), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "ARGUS_FLEET_PROMETHEUS_URL=") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	notes := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notes, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"a CA file that is not there": notes + "x", "one without a certificate": notes} {
		config := configOf(t, "ARGUS_FLEET_PROMETHEUS_URL", "https://prom", "ARGUS_FLEET_PROMETHEUS_CA_FILE", file)
		_, err := New(context.Background(), config, Deps{})
		if err == nil || !strings.Contains(err.Error(), "ARGUS_FLEET_PROMETHEUS_CA_FILE") || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const tops = `{"data": [["play", 3], ["stop", "2"]], "rows": 2}`

func rowsOf(body string) func(string) (int, string) {
	return func(string) (int, string) { return 200, body }
}

func TestAnalytics(t *testing.T) {
	const path = fleetapi.PathTopCommands
	house := newRemote(t, rowsOf(tops))
	dsnFile := filepath.Join(t.TempDir(), "dsn")
	dsn := strings.Replace(house.URL, "http://", "clickhouse://reader:ch-password@", 1)
	if err := os.WriteFile(dsnFile, []byte(dsn+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlane(t, "ARGUS_FLEET_CLICKHOUSE_DSN_FILE", dsnFile)
	p.play([]step{
		{"the page is told", get, fleetapi.PathConfig, "viewer", "", 200, `..."analytics_enabled":true`},
		{"an answer", get, path + "?guild_id=1&cluster=a", "viewer", "", 200, `{"rows":[["play",3],["stop",2]]}`},
		{"no guild", get, path, "viewer", "", 400, "guild_id required\n"},
		{"an over-long guild", get, path + "?guild_id=" + strings.Repeat("1", 129), "viewer", "", 400, "guild_id must be text of at most 128 characters\n"},
		{"an over-long cluster", get, path + "?guild_id=1&cluster=" + strings.Repeat("a", 129), "viewer", "", 400, "cluster must be text of at most 128 characters\n"},
		{"nobody", get, path + "?guild_id=1", "", "", 401, "unauthorized\n"},
		{"a bot", get, path + "?guild_id=1", "ingest", "", 401, "unauthorized\n"},
		{"a wrong method", post, path + "?guild_id=1", "viewer", "", 405, "method not allowed\n"},
		{"no such question", get, "/api/fleet/analytics/guilds?guild_id=1", "viewer", "", 404, "not found\n"},
	})
	for question, tc := range map[string]struct{ reply, want string }{
		fleetapi.PathInteractionVolume: {`{"data": [["2026-06-17", "4"]], "rows": 1}`, `{"rows":[["2026-06-17",4]]}`},
		fleetapi.PathCommandStats:      {`{"data": [["play", 3, 1.5]], "rows": 1}`, `{"rows":[["play",3,1.5]]}`},
		fleetapi.PathAvgDuration:       {`{"data": [[null]], "rows": 1}`, `{"avg_ms":0}`},
	} {
		house.now(rowsOf(tc.reply))
		p.play([]step{{question, get, question + "?guild_id=1", "viewer", "", 200, tc.want}})
	}
	house.now(func(string) (int, string) { return 500, "Code: 60. DB::Exception: secret details" })
	p.play([]step{{"an exception", get, path + "?guild_id=1", "viewer", "", 502, "analytics database did not answer the question\n"}})
	house.Close()
	p.play([]step{
		{"ClickHouse is down", get, path + "?guild_id=1", "viewer", "", 503, "analytics database cannot be reached, try again later\n"},
		{"the rest goes on", get, fleetapi.PathView, "viewer", "", 200, "..."},
		{"and is ready", get, fleetapi.PathReadyz, "", "", 200, "ready\n"},
	})
	logs := p.logs.String()
	if !strings.Contains(logs, "asking ClickHouse for top-commands: exception 60: there is no table argus_events") {
		t.Errorf("the log does not say what ClickHouse said:\n%s", logs)
	}
	for _, secret := range []string{"ch-password", "secret details"} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	metrics := p.ask(get, "/metrics", "viewer", "").body
	for _, want := range []string{`outcome="answered",question="top-commands"} 1`, `outcome="failed",question="top-commands"} 1`, `outcome="unreachable",question="top-commands"} 1`} {
		if !strings.Contains(metrics, "argus_fleet_analytics_seconds_count{"+want) {
			t.Errorf("/metrics lacks the count %s", want)
		}
	}
}

func TestAnalyticsFailClosed(t *testing.T) {
	asked := false
	house := newRemote(t, func(string) (int, string) { asked = true; return 200, tops })
	open := newPlane(t, "ARGUS_FLEET_CLICKHOUSE_DSN", house.URL, "ARGUS_FLEET_VIEWER_TOKEN", "")
	open.play([]step{
		{"without a viewer token, even on loopback", get, fleetapi.PathTopCommands + "?guild_id=1", "", "", 403, "analytics requires a viewer token\n"},
		{"before the guild is looked at", get, fleetapi.PathTopCommands, "", "", 403, "analytics requires a viewer token\n"},
		{"the rest is open", get, fleetapi.PathView, "", "", 200, "..."},
	})
	if asked {
		t.Error("ClickHouse was asked")
	}
	without := newPlane(t)
	without.play([]step{
		{"without a ClickHouse", get, fleetapi.PathTopCommands + "?guild_id=1", "viewer", "", 404, "not found\n"},
		{"and without a token", get, fleetapi.PathTopCommands + "?guild_id=1", "", "", 401, "unauthorized\n"},
		{"the page is told", get, fleetapi.PathConfig, "viewer", "", 200, `..."analytics_enabled":false`},
	})
}

// TestADeadClickHouseDoesNotStopTheStart starts with addresses that nobody has.
func TestADeadClickHouseDoesNotStopTheStart(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_CLICKHOUSE_DSN", "http://127.0.0.1:1", "ARGUS_FLEET_PROMETHEUS_URL", "http://127.0.0.1:1")
	p.join("a", "asia")
	p.beat("a", "", snapshot(map[string]float64{"guilds": 3}))
	if got := p.view().Global.Guilds; got != 3 {
		t.Errorf("%v guilds, want 3", got)
	}
	body := p.ask(get, fleetapi.PathAvgDuration+"?guild_id=1", "viewer", "")
	if body.status != 503 || body.header.Get("Retry-After") == "" {
		t.Errorf("%d %v", body.status, body.header)
	}
	var config fleetapi.Config
	if err := json.Unmarshal([]byte(p.ask(get, fleetapi.PathConfig, "viewer", "").body), &config); err != nil || !config.AnalyticsEnabled {
		t.Errorf("%+v %v", config, err)
	}
}

func TestAPrometheusThatHangsHoldsUpNoStop(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hanging := newRemote(t, func(string) (int, string) { once.Do(func() { close(asked) }); <-release; return 200, "" })
	t.Cleanup(func() { close(release) }) // before the server is closed
	r := startRunning(t, configOf(t, "ARGUS_FLEET_PROMETHEUS_URL", hanging.URL))
	var asking sync.WaitGroup
	for _, path := range []string{fleetapi.PathView, fleetapi.PathStream} {
		w := r.dial() // before the stop, after which nobody can
		w.say(get, path, tokens["viewer"], 0, "")
		asking.Go(func() { w.ended(20 * time.Second) })
	}
	<-asked
	started := time.Now()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("the stop took %s", took)
	}
	asking.Wait()
}

func TestAViewThatWaitsDoesNotLockTheHub(t *testing.T) {
	release := make(chan struct{})
	h := newHub("boot", time.Second, func() (viewSnapshot, error) { <-release; return viewSnapshot{}, nil }, newEventLog(time.Now), new(compressor).deflate)
	var joining sync.WaitGroup
	joining.Go(func() { _, _ = h.join(netip.MustParseAddr("10.0.0.1"), "") })
	closed := make(chan struct{})
	go func() { h.close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the hub cannot be closed while a viewer waits for a view")
	}
	close(release)
	joining.Wait()
	<-closed
}
