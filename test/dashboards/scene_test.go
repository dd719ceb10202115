//go:build e2e

package dashboards

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/hack/local"
	"github.com/argus-dev/argus-operator/hack/local/localtest"
)

const (
	ingestToken = "an-ingest-token"
	viewerToken = "a-viewer-token"

	// mybot and other are reference bots; the other's metrics have another
	// prefix. python stands for an argus-dpy bot.
	mybot, other, python = "mybot-0", "acme-0", "python-0"
	otherPrefix          = "acme"
)

// scene is all that there is to scrape, and the Prometheus that does.
type scene struct {
	prometheus string // address
	plane      string // address of the control plane
}

// newScene starts a control plane with a swarm of members, two reference bots, an
// operator on a real API server, and Prometheus.
func newScene(t *testing.T) scene {
	t.Helper()
	needPrometheus(t)
	programs := compile(t)
	s := scene{prometheus: freeAddress(t), plane: freeAddress(t)}
	operator, bots := freeAddress(t), map[string]string{mybot: freeAddress(t), other: freeAddress(t), "swarm": freeAddress(t)}

	s.startPlane(t, programs)
	s.startBot(t, programs, mybot, "", bots[mybot], "--shards=4", "--shard-down=3", "--commands=12", "--guilds=100000")
	s.startBot(t, programs, other, otherPrefix, bots[other], "--shards=2")
	s.startBot(t, programs, "swarm", "", bots["swarm"], "--simulate=25")
	startOperator(t, programs, operator)

	s.startPrometheus(t, map[string][]string{
		"argus":          {bots[mybot], bots[other], bots["swarm"], newPythonBot(t)},
		"argus-operator": {operator},
	})
	s.disturb(t)
	return s
}

func (s scene) startPlane(t *testing.T, programs string) {
	t.Helper()
	_, port, err := net.SplitHostPort(s.plane)
	if err != nil {
		t.Fatal(err)
	}
	launch(t, []string{
		fleetapi.EnvFleetHost + "=127.0.0.1", fleetapi.EnvFleetPort + "=" + port,
		fleetapi.EnvFleetIngestToken + "=" + ingestToken, fleetapi.EnvFleetViewerToken + "=" + viewerToken,
		fleetapi.EnvFleetState + "=" + filepath.Join(t.TempDir(), "state.db"),
		fleetapi.EnvFleetPrometheusURL + "=http://" + s.prometheus,
		fleetapi.EnvFleetClickHouseDSN + "=http://127.0.0.1:1", // nobody listens: questions fail, and are counted
	}, filepath.Join(programs, "argus-fleet"))
}

func (s scene) startBot(t *testing.T, programs, identity, prefix, address string, args ...string) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	launch(t, []string{
		"DISCORD_TOKEN=simulated",
		fleetapi.EnvMemberClusterID + "=" + identity,
		fleetapi.EnvMemberFleetURL + "=http://" + s.plane,
		fleetapi.EnvFleetToken + "=" + ingestToken,
		fleetapi.EnvMemberHost + "=127.0.0.1", fleetapi.EnvMemberPort + "=" + port,
		fleetapi.EnvMemberStateDir + "=" + t.TempDir(),
		fleetapi.EnvMetricPrefix + "=" + prefix,
	}, filepath.Join(programs, "argus-bot"), args...)
}

// farAway is a bot of a control plane elsewhere. The operator refuses to ask one on
// loopback, which counts as a failed read.
const farAway = `
apiVersion: v1
kind: Secret
metadata: {name: far}
stringData: {token: a}
---
apiVersion: argus.dev/v1alpha1
kind: ArgusBot
metadata: {name: far}
spec:
  image: example.com/bot:1
  discord: {tokenSecretRef: {name: far, key: token}}
  sharding: {total: 1, clusters: 1}
  fleet:
    external:
      url: http://127.0.0.1:1
      tokenSecretRef: {name: far, key: token}
      viewerTokenSecretRef: {name: far, key: token}
`

// startOperator runs the operator against an API server, with objects of both
// kinds. No pod ever starts there.
func startOperator(t *testing.T, programs, metrics string) {
	t.Helper()
	c := localtest.ControlPlane(t, "dashboards")
	kubectl := local.KubectlFor(c)
	for _, namespace := range []string{"argus-system", "bots"} {
		if err := kubectl.RestrictedNamespace(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"apply", "--server-side", "--filename", "../../config/crd/bases"},
		{"wait", "crd", "--all", "--for=condition=Established", "--timeout=5m"},
		{"apply", "--namespace", "bots", "--filename", "../../config/samples/demo.yaml"},
	} {
		if _, err := kubectl.Output(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := kubectl.Apply(t.Context(), strings.NewReader(farAway), "--namespace", "bots"); err != nil {
		t.Fatal(err)
	}
	launch(t, []string{"KUBECONFIG=" + c.Kubeconfig, "POD_NAMESPACE=argus-system"},
		filepath.Join(programs, "manager"), "--metrics-auth=none", "--metrics-bind-address="+metrics, "--health-probe-bind-address=0", "--allow-external-fleets")
}

// newPythonBot serves what argus-dpy bots have and the reference bot has not.
func newPythonBot(t *testing.T) (address string) {
	t.Helper()
	started := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count := int(time.Since(started).Seconds() * 10) // a counter that grows
		fmt.Fprint(w, strings.NewReplacer("CLUSTER", `cluster="`+python+`"`, "COUNT", strconv.Itoa(count)).Replace(`
argus_up 1
discord_guilds{CLUSTER} 100
discord_event_loop_lag_seconds{CLUSTER} 0.002
discord_commands_total{command="roll",status="success",CLUSTER} COUNT
discord_commands_total{command="roll",status="error",CLUSTER} COUNT
discord_command_duration_seconds_bucket{command="roll",CLUSTER,le="0.5"} COUNT
discord_command_duration_seconds_bucket{command="roll",CLUSTER,le="+Inf"} COUNT
discord_shard_disconnects_total{shard="0",CLUSTER} COUNT
discord_log_records_total{logger="discord.gateway",level="WARNING",CLUSTER} COUNT
argus_instrumentation_errors_total{hook="interaction",CLUSTER} COUNT
argus_history_events_dropped_total{CLUSTER} COUNT
argus_timers_evicted_total{CLUSTER} COUNT
`))
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// startPrometheus scrapes every second, and evaluates our rules as often.
func (s scene) startPrometheus(t *testing.T, jobs map[string][]string) {
	t.Helper()
	directory := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files(t, "rules", "*.yaml") {
		write("rules-"+name, strings.ReplaceAll(string(content), "interval: 30s", "interval: 1s"))
	}
	var config strings.Builder
	fmt.Fprintf(&config, `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%s/rules-*.yaml]
scrape_configs:
  - job_name: main-fleet
    authorization: {credentials: %s}
    static_configs: [{targets: [%q], labels: {namespace: bots}}]
`, directory, viewerToken, s.plane)
	for job, targets := range jobs {
		fmt.Fprintf(&config, "  - job_name: %s\n    static_configs: [{targets: [%s]}]\n", job, strings.Join(targets, ", "))
	}
	write("prometheus.yml", config.String())
	launch(t, nil, "prometheus", "--config.file="+filepath.Join(directory, "prometheus.yml"),
		"--web.listen-address="+s.prometheus, "--storage.tsdb.path="+filepath.Join(directory, "data"))
}

// disturb does every second, until the test ends, what shows in metrics only when it happens.
func (s scene) disturb(t *testing.T) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ticker := time.NewTicker(time.Second); ; {
			select {
			case <-t.Context().Done():
				ticker.Stop()
				return
			case <-ticker.C:
				s.visit(t.Context(), http.MethodGet, fleetapi.PathView, "wrong", "")
				s.visit(t.Context(), http.MethodPost, fleetapi.PathRegister, "wrong", `{"identity": "a"}`)
				s.visit(t.Context(), http.MethodPost, fleetapi.PathRegister, ingestToken, `{"identity": "newcomer"}`)
				s.visit(t.Context(), http.MethodPost, fleetapi.PathHeartbeat, ingestToken, `{"identity": "nobody"}`)
				s.visit(t.Context(), http.MethodGet, fleetapi.PathView, viewerToken, "")
				s.visit(t.Context(), http.MethodGet, fleetapi.PathAvgDuration+"?guild_id=1", viewerToken, "")
			}
		}
	}()
	t.Cleanup(func() { <-ended })
}

// visit sends a request of which only the metrics tell what became of it.
func (s scene) visit(ctx context.Context, method, path, token, body string) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.plane+path, strings.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
	}
}
