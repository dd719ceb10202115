package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/member"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const discordToken = "discord-secret-token"

func lookupIn(env map[string]string) member.LookupFunc {
	return func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	}
}

// syncBuffer is a buffer that a running bot may write to while a test reads.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// running is the whole program, running in this process.
type running struct {
	t      *testing.T
	stop   context.CancelFunc
	stderr *syncBuffer
	stdout *syncBuffer
	status chan int
}

// runBot starts the program with an environment and arguments on a free port.
func runBot(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	all := map[string]string{"DISCORD_TOKEN": discordToken, "ARGUS_HOST": "127.0.0.1", "ARGUS_PORT": "0", "ARGUS_FLEET_STATE_DIR": t.TempDir()}
	for name, value := range env {
		all[name] = value
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, stop: stop, stderr: &syncBuffer{}, stdout: &syncBuffer{}, status: make(chan int, 1)}
	h := host{lookup: lookupIn(all), readFile: os.ReadFile, clock: member.SystemClock(), stdout: r.stdout, stderr: r.stderr}
	go func() { r.status <- execute(ctx, h, args) }()
	t.Cleanup(stop)
	return r
}

// address waits until the bot serves and returns where.
func (r *running) address() string {
	r.t.Helper()
	serving := regexp.MustCompile(`msg=serving address=(\S+)`)
	var found []string
	eventually(r.t, "the bot to serve", func() bool {
		found = serving.FindStringSubmatch(r.stderr.String())
		return found != nil
	})
	return found[1]
}

// end stops the bot as SIGTERM does and returns its status.
func (r *running) end() int {
	r.t.Helper()
	r.stop()
	return r.wait(time.Second)
}

func (r *running) wait(limit time.Duration) int {
	r.t.Helper()
	select {
	case status := <-r.status:
		return status
	case <-time.After(limit):
		r.t.Fatalf("the bot did not end within %s:\n%s", limit, r.stderr)
		return 0
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited 10 s in vain for %s", what)
}

// get returns status, header and body of a request to the bot.
func get(t *testing.T, method, url, bearer string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// controlPlane accepts everything and remembers who was there.
type controlPlane struct {
	server *httptest.Server

	mu        sync.Mutex
	registers []fleetapi.RegisterRequest
	beats     []fleetapi.HeartbeatRequest
	leaves    []fleetapi.LeaveRequest
	sizes     []int
	tokens    map[string]bool
}

func newControlPlane(t *testing.T) *controlPlane {
	t.Helper()
	p := &controlPlane{tokens: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+fleetapi.PathRegister, p.register)
	mux.HandleFunc("POST "+fleetapi.PathHeartbeat, p.heartbeat)
	mux.HandleFunc("POST "+fleetapi.PathLeave, p.leave)
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func (p *controlPlane) register(w http.ResponseWriter, r *http.Request) {
	var request fleetapi.RegisterRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, "invalid", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.registers = append(p.registers, request)
	p.tokens[r.Header.Get("Authorization")] = true
	_ = json.NewEncoder(w).Encode(fleetapi.RegisterResponse{Number: len(p.registers), Lease: "lease", IntervalSeconds: 1, TTLSeconds: 30})
}

func (p *controlPlane) heartbeat(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var request fleetapi.HeartbeatRequest
	if err := json.Unmarshal(body, &request); err != nil {
		http.Error(w, "invalid", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats = append(p.beats, request)
	p.sizes = append(p.sizes, len(body))
	w.WriteHeader(http.StatusNoContent)
}

func (p *controlPlane) leave(w http.ResponseWriter, r *http.Request) {
	var request fleetapi.LeaveRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Lease != "lease" {
		http.Error(w, "invalid", http.StatusConflict)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaves = append(p.leaves, request)
	w.WriteHeader(http.StatusNoContent)
}

// left returns the identities that have said goodbye, sorted.
func (p *controlPlane) left() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var identities []string
	for _, request := range p.leaves {
		identities = append(identities, request.Identity)
	}
	slices.Sort(identities)
	return identities
}

// beating returns the identities that have beaten, each with its last snapshot.
func (p *controlPlane) beating() map[string]*fleetapi.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := map[string]*fleetapi.Snapshot{}
	for _, beat := range p.beats {
		last[beat.Identity] = beat.Snapshot
	}
	return last
}
