package fleetserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// wire is a bare connection to a control plane.
type wire struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

func (p *plane) dial() *wire {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &wire{conn, p.t, bufio.NewReader(conn)}
}

// say sends a request as written, with a body that is shorter than it says if need be.
func (w *wire) say(method, path, token string, length int, body string) {
	w.t.Helper()
	if _, err := fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", method, path, token, length, body); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wire) hear() (int, error) {
	response, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// ended waits for the other side to close, whatever it says before.
func (w *wire) ended(within time.Duration) bool {
	_ = w.SetReadDeadline(time.Now().Add(within))
	_, err := io.Copy(io.Discard, w.reader)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestABodyThatNobodyReadsIsGivenUpToo(t *testing.T) {
	p := newPlane(t)
	p.server.bodyDeadline = 100 * time.Millisecond
	for name, tc := range map[string]struct{ method, path, as string }{
		"a heartbeat without a credential": {post, fleetapi.PathHeartbeat, ""},
		"an open path":                     {get, fleetapi.PathHealthz, ""},
		"a path that does not exist":       {post, "/nothing", ""},
		"a method that is not allowed":     {post, fleetapi.PathView, "viewer"},
		"a sign-in":                        {post, fleetapi.PathSession, ""},
		"a viewer's read":                  {get, fleetapi.PathView, "viewer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := p.dial()
			w.say(tc.method, tc.path, tokens[tc.as], 10, "")
			if !w.ended(5 * time.Second) {
				t.Error("the connection is still held after 5 s")
			}
		})
	}
}

func TestABodyInFrontOfAStreamDoesNotEndIt(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.server.bodyDeadline = 50 * time.Millisecond
	w := p.dial()
	w.say(get, fleetapi.PathStream, tokens["viewer"], 2, "{}")
	_ = w.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	if status, err := w.hear(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the stream ended with the time for the body: %d %v", status, err)
	}
}

// crowd opens connections that each begin what they do not end.
func (p *plane) crowd(size int, begin func(w *wire, i int)) {
	p.t.Helper()
	for i := range size {
		begin(p.dial(), i)
	}
}

func TestStrangersDoNotLockMembersOut(t *testing.T) {
	for name, tc := range map[string]struct {
		size  int
		begin func(w *wire, i int)
	}{
		"bodies that never come": {minConnections + 100, func(w *wire, i int) {
			if i%2 == 0 {
				w.say(post, fleetapi.PathHeartbeat, "", 10, "")
			} else {
				w.say(get, fleetapi.PathHealthz, "", 10, "")
			}
		}},
		"headers that never end": {minConnections + 100, func(w *wire, _ int) { _, _ = io.WriteString(w, "GET /healthz HTTP/1.1\r\nHost:") }},
		"nothing at all":         {5000, func(*wire, int) {}},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRunning(t, configOf(t, "ARGUS_FLEET_MAX_CLUSTERS", "100"))
			r.join("a", "asia")
			beat := `{"identity": "a"}`
			member := r.dial()
			heartbeat := func(w *wire, when string) {
				t.Helper()
				w.say(post, fleetapi.PathHeartbeat, tokens["ingest"], len(beat), beat)
				if status, err := w.hear(); err != nil || status != http.StatusNoContent {
					t.Errorf("%s: %d %v", when, status, err)
				}
			}
			heartbeat(member, "the first beat")
			r.crowd(tc.size, tc.begin)
			heartbeat(member, "a beat on the connection that was there before the crowd")
			for i := range 20 {
				heartbeat(r.dial(), fmt.Sprintf("beat %d on a connection of its own", i))
			}
			started := time.Now()
			r.stop()
			if err := <-r.ended; err != nil {
				t.Error(err)
			}
			if took := time.Since(started); took > 2*time.Second {
				t.Errorf("the stop took %s", took)
			}
		})
	}
}

func TestSignInsDoNotUseUpTheMembersBudget(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	for i := range 300 { // as many times 1 MiB is more than the members' budget
		path := []string{fleetapi.PathSession, "/nothing"}[i%2]
		p.dial().say(post, path, tokens["viewer"], 1<<20, "{")
	}
	time.Sleep(100 * time.Millisecond) // they are being read
	if held := p.server.inFlight.used.Load(); held != 0 {
		t.Errorf("%d bytes of the members' budget are held", held)
	}
	if held := p.server.smallInFlight.used.Load(); held == 0 || held > 300*maxSmallBodyBytes {
		t.Errorf("%d bytes are held for sign-ins", held)
	}
	if got := p.beat("a", "", ""); got.status != http.StatusNoContent {
		t.Errorf("a heartbeat meanwhile: %d %s", got.status, got.body)
	}
}

func TestASignInIsSmallAlsoWhenUnpacked(t *testing.T) {
	p := newPlane(t)
	long := `{"token": "viewer-secret", "x": "` + strings.Repeat("x", maxSmallBodyBytes) + `"}`
	for name, body := range map[string]answer{
		"plain":  p.ask(post, fleetapi.PathSession, "", long),
		"packed": p.ask(post, fleetapi.PathSession, "", pack(long), "Content-Encoding", "GZIP"),
	} {
		if body.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %s, want 413", name, body.status, body.body)
		}
	}
	if got := p.ask(post, fleetapi.PathSession, "", pack(`{"token": "viewer-secret"}`), "Content-Encoding", "GZIP"); got.status != http.StatusNoContent {
		t.Errorf("a packed sign-in: %d %s", got.status, got.body)
	}
}
