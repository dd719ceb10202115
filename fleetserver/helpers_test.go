package fleetserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// clock is a clock that a test moves while a server reads it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// tokens of every test control plane, by who presents them.
var tokens = map[string]string{
	"ingest": "ingest-secret", "viewer": "viewer-secret", "admin": "admin-secret",
	"wrong": "no-secret", "rotated-out": "former-secret", "non-ASCII": "sécret\xff", "over-long": strings.Repeat("x", 8<<10),
}

// environmentOf is a configuration for tests, changed by pairs of name and value.
func environmentOf(t *testing.T, pairs ...string) func(string) (string, bool) {
	t.Helper()
	values := map[string]string{
		fleetapi.EnvFleetState:           filepath.Join(t.TempDir(), "state.db"),
		fleetapi.EnvFleetIngestToken:     tokens["ingest"],
		fleetapi.EnvFleetViewerToken:     tokens["viewer"],
		fleetapi.EnvFleetAdminToken:      tokens["admin"],
		fleetapi.EnvFleetSecretPepper:    "pepper",
		fleetapi.EnvFleetHost:            "127.0.0.1",
		fleetapi.EnvFleetPort:            "0",
		fleetapi.EnvFleetViewCacheMillis: "0",
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func configOf(t *testing.T, pairs ...string) Config {
	t.Helper()
	config, err := ConfigFromEnv(environmentOf(t, pairs...), nil)
	if err != nil {
		t.Fatal(err)
	}
	config.Version = "1.2.3"
	return config
}

// plane is a control plane behind a real listener.
type plane struct {
	t       *testing.T
	server  *Server
	url     string
	clock   *clock
	logs    *logBuffer
	metrics *prometheus.Registry
	disk    disk
}

// disk refuses to be written to while it is full.
type disk struct{ full atomic.Bool }

func (d *disk) refusal() error {
	if d.full.Load() {
		return &fs.PathError{Op: "write", Path: "secret/path", Err: syscall.ENOSPC}
	}
	return nil
}

func newPlane(t *testing.T, pairs ...string) *plane {
	t.Helper()
	return startPlane(t, configOf(t, pairs...), newClock())
}

func startPlane(t *testing.T, config Config, c *clock) *plane {
	t.Helper()
	p := &plane{t: t, clock: c, logs: &logBuffer{}, metrics: prometheus.NewRegistry()}
	server, err := New(context.Background(), config, Deps{
		Now: c.now, Logger: slog.New(slog.NewTextHandler(p.logs, nil)), Metrics: p.metrics, beforeCommit: p.disk.refusal,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.server = server
	listener := httptest.NewServer(server.Handler())
	p.url = listener.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		listener.Close()
		if err := server.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return p
}

// answer is a reply, read.
type answer struct {
	status int
	body   string
	header http.Header
}

// ask makes a request as somebody ("" = nobody). Pairs of name and value are headers.
func (p *plane) ask(method, path, as, body string, headers ...string) answer {
	p.t.Helper()
	request, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if as != "" {
		request.Header["Authorization"] = []string{"Bearer " + tokens[as]}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{response.StatusCode, string(content), response.Header}
}

func (p *plane) register(body string) fleetapi.RegisterResponse {
	p.t.Helper()
	got := p.ask(http.MethodPost, fleetapi.PathRegister, "ingest", body)
	if got.status != http.StatusOK {
		p.t.Fatalf("register %s: %d %s", body, got.status, got.body)
	}
	var response fleetapi.RegisterResponse
	p.decode(got, &response)
	return response
}

func (p *plane) join(identity, fleet string) fleetapi.RegisterResponse {
	p.t.Helper()
	return p.register(fmt.Sprintf(`{"identity": %q, "fleet": %q}`, identity, fleet))
}

func (p *plane) beat(identity, lease, snapshot string) answer {
	p.t.Helper()
	if snapshot == "" {
		snapshot = "null"
	}
	return p.ask(http.MethodPost, fleetapi.PathHeartbeat, "ingest", fmt.Sprintf(`{"identity": %q, "lease": %q, "snapshot": %s}`, identity, lease, snapshot))
}

// get reads a viewer's JSON.
func (p *plane) get(path string, into any) {
	p.t.Helper()
	got := p.ask(http.MethodGet, path, "viewer", "")
	if got.status != http.StatusOK {
		p.t.Fatalf("GET %s: %d %s", path, got.status, got.body)
	}
	p.decode(got, into)
}

func (p *plane) decode(got answer, into any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(got.body), into); err != nil {
		p.t.Fatalf("%v in %s", err, got.body)
	}
}

func (p *plane) view() fleetapi.View {
	p.t.Helper()
	var view fleetapi.View
	p.get(fleetapi.PathView, &view)
	return view
}

// snapshot is one with single gauges without labels.
func snapshot(values map[string]float64) string {
	s := fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{}}
	for name, value := range maps.All(values) {
		s.Metrics["discord_"+name] = fleetapi.Family{Type: "gauge", Samples: []fleetapi.Sample{{Name: "discord_" + name, Value: value}}}
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}
