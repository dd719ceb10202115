package member

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// middle makes every jitter vanish and every back-off three quarters of its step.
func middle() float64 { return 0.5 }

// journal is what happened, in order: calls as the control plane saw them and
// waits as the clock was asked for them.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, arguments ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, arguments...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...)
}

// scriptClock never waits: it notes each wait, moves on by it and then asks
// whether the story is over.
type scriptClock struct {
	journal *journal
	after   func(waits int)

	mu    sync.Mutex
	now   time.Time
	waits int
}

func newScriptClock(j *journal, after func(waits int)) *scriptClock {
	return &scriptClock{journal: j, after: after, now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *scriptClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *scriptClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *scriptClock) Sleep(ctx context.Context, d time.Duration) error {
	c.journal.add("wait %s", d)
	c.advance(d)
	c.waits++
	c.after(c.waits)
	return ctx.Err()
}

// reply is one scripted answer.
type reply struct {
	status     int
	body       any
	raw        string
	retryAfter string
	hang       bool // hold the call until its caller gives up
	cut        bool // close the connection instead of answering
}

// call is one call as it arrived.
type call struct {
	Path  string
	Token string
	Body  map[string]any
}

// plane is a control plane that answers as it is told, and records.
type plane struct {
	journal *journal
	server  *httptest.Server

	mu     sync.Mutex
	script []reply
	calls  []call
}

func newPlane(t *testing.T, j *journal, script ...reply) *plane {
	t.Helper()
	p := &plane{journal: j, script: script}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

// newPlaneAt listens on an address that was free a moment ago.
func newPlaneAt(t *testing.T, j *journal, address string, script ...reply) *plane {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("listening on %s: %v", address, err)
	}
	p := &plane{journal: j, script: script}
	p.server = httptest.NewUnstartedServer(p)
	_ = p.server.Listener.Close()
	p.server.Listener = listener
	p.server.Start()
	t.Cleanup(p.server.Close)
	return p
}

func (p *plane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	arrived := call{Path: r.URL.Path, Token: r.Header.Get("Authorization")}
	if err := json.Unmarshal(content, &arrived.Body); err != nil {
		arrived.Body = map[string]any{"not JSON": string(content)}
	}
	answer := p.record(arrived)
	switch {
	case answer.hang:
		<-r.Context().Done()
		return
	case answer.cut:
		panic(http.ErrAbortHandler)
	}
	if answer.retryAfter != "" {
		w.Header().Set("Retry-After", answer.retryAfter)
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.raw)
	if answer.body != nil {
		_ = json.NewEncoder(w).Encode(answer.body)
	}
}

func (p *plane) record(arrived call) reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, arrived)
	line := arrived.Path
	if _, ok := arrived.Body["snapshot"]; ok {
		line += " with values"
	}
	if len(p.script) == 0 {
		p.journal.add("%s, beyond the script", line)
		return reply{status: http.StatusTeapot}
	}
	answer := p.script[0]
	p.script = p.script[1:]
	p.journal.add("%s", line)
	return answer
}

func (p *plane) done() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.script) == 0
}

func (p *plane) recorded() []call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]call(nil), p.calls...)
}

func registered(number int) reply {
	return reply{status: http.StatusOK, body: fleetapi.RegisterResponse{
		Number: number, Lease: fmt.Sprintf("lease-%d", number), IntervalSeconds: 10, TTLSeconds: 30,
	}}
}

func status(code int) reply { return reply{status: code} }

func oneGuild() (fleetapi.Snapshot, error) {
	return fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{
		"discord_guilds": {Type: "gauge", Samples: []fleetapi.Sample{
			{Name: "discord_guilds", Labels: map[string]string{"cluster": "asia-0"}, Value: 9},
		}},
	}}, nil
}

// logLines is a logger that keeps its lines, without times.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

func (l *logLines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func (l *logLines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

// run drives a member until done says so after one of its waits.
func run(t *testing.T, config Config, options Options, j *journal, done func(waits int) bool) *Member {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	clock := newScriptClock(j, func(waits int) {
		if done(waits) {
			cancel()
		}
	})
	options.Clock, options.Random = clock, middle
	m := New(config, options)
	if err := m.Run(ctx); err != context.Canceled { //nolint:errorlint // the very error is promised
		t.Fatalf("Run returned %v, want %v", err, context.Canceled)
	}
	return m
}
