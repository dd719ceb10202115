package source

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// scripted is a Prometheus that answers as it is told.
type scripted struct {
	*httptest.Server

	mu      sync.Mutex
	rows    map[string][]string // by a part of the query; a row is JSON
	broken  map[string]string   // by a part of the query: the whole reply
	status  int
	asked   []string // queries
	headers []http.Header
	hold    chan struct{} // requests wait for it; nil: they do not
}

func newScripted(t *testing.T) *scripted {
	t.Helper()
	s := &scripted{rows: map[string][]string{}, broken: map[string]string{}, status: http.StatusOK}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP answers an instant query.
func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query().Get("query")
	s.mu.Lock()
	s.asked, s.headers = append(s.asked, query), append(s.headers, r.Header.Clone())
	hold, status, body := s.hold, s.status, s.reply(query)
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	if r.URL.Path != "/prometheus/api/v1/query" {
		status = http.StatusNotFound
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (s *scripted) reply(query string) string {
	for part, body := range s.broken {
		if strings.Contains(query, part) {
			return body
		}
	}
	var rows []string
	for part, found := range s.rows {
		if strings.Contains(query, part) {
			rows = append(rows, found...)
		}
	}
	return vector(rows...)
}

func vector(rows ...string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(rows, ",") + `]}}`
}

// of is a row of a cluster, perhaps of one of its shards.
func of(cluster, shard string, value any) string {
	labels := fmt.Sprintf(`"cluster":%q`, cluster)
	if shard != "" {
		labels += fmt.Sprintf(`,"shard":%q`, shard)
	}
	return fmt.Sprintf(`{"metric":{%s},"value":[1.5,"%v"]}`, labels, value)
}

func (s *scripted) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *scripted) rounds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked) / len(newQueries("x"))
}

// polling is a composite of a scripted Prometheus and pushes, with its clock and log.
type polling struct {
	*Composite
	server     *scripted
	prometheus *Prometheus
	push       *Push
	clock      *lockedClock
	log        *lockedBuffer
}

func poll(t *testing.T, change ...func(*PrometheusOptions)) *polling {
	t.Helper()
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	p := &polling{server: newScripted(t), clock: &lockedClock{at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}, log: &lockedBuffer{}}
	options := PrometheusOptions{
		URL: p.server.URL + "/prometheus/", Prefix: "discord", Window: time.Second,
		Now: p.clock.now, Logger: slog.New(slog.NewTextHandler(p.log, nil)), timeout: 5 * time.Second, patience: time.Second,
	}
	for _, apply := range change {
		apply(&options)
	}
	var err error
	if p.prometheus, err = NewPrometheus(options); err != nil {
		t.Fatal(err)
	}
	p.push = NewPush(p.clock.now)
	p.Composite = NewComposite(p.prometheus, p.push)
	t.Cleanup(p.Close)
	return p
}

// later moves the clock past the window and asks.
func (p *polling) later(d time.Duration) func(string) Values {
	p.clock.advance(d)
	return p.Latest()
}

// settle waits for a round behind the views to end.
func (p *polling) settle(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		p.prometheus.mu.Lock()
		running := p.prometheus.running
		p.prometheus.mu.Unlock()
		if running == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the round does not end")
		}
	}
}

// awaitRound returns once all queries of the first round are asked.
func (p *polling) awaitRound() {
	for p.server.rounds() == 0 {
		time.Sleep(time.Millisecond)
	}
}

// expectLine demands that exactly one line was logged since the last look, or none for "".
func (p *polling) expectLine(t *testing.T, want string) {
	t.Helper()
	lines := p.log.lines()
	if want == "" && len(lines) > 0 || want != "" && (len(lines) != 1 || !strings.Contains(lines[0], want)) {
		t.Errorf("log %q, want one line with %q", lines, want)
	}
}

func timed(do func()) time.Duration {
	started := time.Now()
	do()
	return time.Since(started)
}

type lockedClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *lockedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *lockedClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// lines returns what was logged since the last call.
func (b *lockedBuffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(b.buf.String()), "\n")
	b.buf.Reset()
	if lines[0] == "" {
		return nil
	}
	return lines
}
