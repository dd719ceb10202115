package member

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// freeAddress returns a loopback address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestAControlPlaneThatComesUpLaterIsJoined(t *testing.T) {
	j := &journal{}
	address := freeAddress(t)
	var p *plane
	var away State
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var m *Member
	clock := newScriptClock(j, func(waits int) {
		switch {
		case waits == 2:
			away = m.State()
			p = newPlaneAt(t, j, address, registered(1), status(204))
		case p != nil && p.done():
			cancel()
		}
	})
	m = New(Config{URL: "http://" + address, Identity: identityA0}, Options{Snapshot: oneGuild, Clock: clock, Random: middle})
	_ = m.Run(ctx)

	if diff := cmp.Diff([]string{"wait 750ms", "wait 1.5s", register, beat, "wait 10s"}, j.all()); diff != "" {
		t.Errorf("calls and waits (-want +got):\n%s", diff)
	}
	if away.LastError != ErrorUnreachable || away.Registered {
		t.Errorf("while it was away the state was %+v", away)
	}
	if state := m.State(); !state.Registered || state.LastError != ErrorNone {
		t.Errorf("once it was there the state was %+v", state)
	}
}

func TestACallThatHangsIsGivenUp(t *testing.T) {
	j := &journal{}
	p := newPlane(t, j, reply{hang: true}, registered(1), reply{hang: true}, status(204))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var classes []ErrorClass
	var m *Member
	clock := newScriptClock(j, func(int) {
		classes = append(classes, m.State().LastError)
		if p.done() {
			cancel()
		}
	})
	m = New(Config{URL: p.server.URL, Identity: identityA0}, Options{Clock: clock, Random: middle})
	if m.timeout != 10*time.Second {
		t.Errorf("a call may take %s, want 10s", m.timeout)
	}
	m.timeout = 50 * time.Millisecond
	_ = m.Run(ctx)
	if diff := cmp.Diff([]string{register, "wait 750ms", register, leanBeat, "wait 10s", leanBeat, "wait 10s"}, j.all()); diff != "" {
		t.Errorf("calls and waits (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ErrorClass{ErrorTimeout, ErrorTimeout, ErrorNone}, classes); diff != "" {
		t.Errorf("error classes (-want +got):\n%s", diff)
	}
}

func TestTheEndOfTheContextEndsRunAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		script   []reply
		snapshot func(stop <-chan struct{}) func() (fleetapi.Snapshot, error)
		url      string
	}{
		"while it registers":                        {script: []reply{{hang: true}}},
		"while it beats":                            {script: []reply{registered(1), {hang: true}}},
		"while it waits for the next beat":          {script: []reply{registered(1), status(204)}},
		"while it waits for the next registration":  {script: []reply{{status: 503, retryAfter: "300"}}},
		"while there is no fleet to join":           {url: "none"},
		"while the host's snapshot hangs":           {script: []reply{registered(1)}, snapshot: hanging},
		"while the host's snapshot hung for a beat": {script: []reply{registered(1), status(204)}, snapshot: hanging},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, &journal{}, tc.script...)
			config := Config{URL: p.server.URL, Identity: identityA0}
			if tc.url == "none" {
				config.URL = ""
			}
			options, release := Options{}, make(chan struct{})
			defer close(release)
			if tc.snapshot != nil {
				options.Snapshot = tc.snapshot(release)
			}
			m := New(config, options)
			m.values.timeout = 100 * time.Millisecond
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- m.Run(ctx) }()
			waitFor(t, "the script to be played", p.done)
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Run returned %v", err)
				}
			case <-time.After(time.Second):
				t.Fatal("Run did not return within a second")
			}
			if class := m.State().LastError; class != ErrorNone && class != ErrorUnavailable {
				t.Errorf("stopping counted as the failure %q", class)
			}
		})
	}
}

// hanging returns a snapshot that hangs until it is released.
func hanging(release <-chan struct{}) func() (fleetapi.Snapshot, error) {
	return func() (fleetapi.Snapshot, error) {
		<-release
		return fleetapi.Snapshot{}, nil
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited 5 s in vain for %s", what)
}

func TestWhateverTheSnapshotDoesTheHeartbeatGoesOn(t *testing.T) {
	for name, tc := range map[string]struct {
		snapshot func() (fleetapi.Snapshot, error)
		want     string
	}{
		"it panics":       {func() (fleetapi.Snapshot, error) { panic("boom") }, leanBeat},
		"it panics, nil":  {func() (fleetapi.Snapshot, error) { panic(nil) }, leanBeat}, //nolint:govet // on purpose
		"it fails":        {func() (fleetapi.Snapshot, error) { return fleetapi.Snapshot{}, errors.New("no") }, leanBeat},
		"it is partial":   {func() (fleetapi.Snapshot, error) { s, _ := oneGuild(); return s, errors.New("some") }, beat},
		"it holds no NaN": {notFinite, beat},
	} {
		t.Run(name, func(t *testing.T) {
			j, lines := &journal{}, &logLines{}
			p := newPlane(t, j, registered(1), status(204), status(204))
			m := run(t, Config{URL: p.server.URL, Identity: identityA0}, Options{Snapshot: tc.snapshot, Logger: lines.logger()}, j,
				func(int) bool { return p.done() })
			if diff := cmp.Diff([]string{register, tc.want, "wait 10s", tc.want, "wait 10s"}, j.all()); diff != "" {
				t.Errorf("calls and waits (-want +got):\n%s", diff)
			}
			if state := m.State(); !state.Registered || state.LastError != ErrorNone {
				t.Errorf("state %+v", state)
			}
			if n := strings.Count(strings.Join(lines.all(), ""), "level=WARN"); n > 1 {
				t.Errorf("%d warnings for one lasting fault:\n%s", n, strings.Join(lines.all(), ""))
			}
		})
	}
}

func notFinite() (fleetapi.Snapshot, error) {
	return fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{"latency": {Type: "gauge", Samples: []fleetapi.Sample{
		{Name: "latency", Value: math.Inf(1)}, {Name: "latency", Value: math.NaN()}, {Name: "latency", Value: 1},
	}}}}, nil
}

func TestAHangingSnapshotIsStartedOnceAndLaterUsedAgain(t *testing.T) {
	j := &journal{}
	p := newPlane(t, j, registered(1), status(204), status(204), status(204))
	release, starts := make(chan struct{}), make(chan struct{}, 10)
	snapshot := func() (fleetapi.Snapshot, error) {
		starts <- struct{}{}
		<-release
		return oneGuild()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var m *Member
	clock := newScriptClock(j, func(waits int) {
		if waits == 2 {
			close(release)
			waitFor(t, "the first snapshot to end", func() bool { return len(m.values.running) == 1 })
		}
		if p.done() {
			cancel()
		}
	})
	m = New(Config{URL: p.server.URL, Identity: identityA0}, Options{Snapshot: snapshot, Clock: clock, Random: middle})
	m.values.timeout = 30 * time.Millisecond
	_ = m.Run(ctx)
	if diff := cmp.Diff([]string{register, leanBeat, "wait 10s", leanBeat, "wait 10s", beat, "wait 10s"}, j.all()); diff != "" {
		t.Errorf("calls and waits (-want +got):\n%s", diff)
	}
	if len(starts) != 2 {
		t.Errorf("the snapshot was started %d times, want 2: once hanging, once released", len(starts))
	}
}

// panicky is a log handler that panics.
type panicky struct{ slog.Handler }

func (panicky) Enabled(context.Context, slog.Level) bool { return true }

func (panicky) Handle(context.Context, slog.Record) error { panic("a logger that is broken") }

func TestABrokenLoggerOfTheHostDoesNotEndIt(t *testing.T) {
	j := &journal{}
	p := newPlane(t, j, status(500), registered(1), registered(1), registered(1))
	m := run(t, Config{URL: p.server.URL, Identity: identityA0}, Options{Logger: slog.New(panicky{})}, j,
		func(waits int) bool { return waits == 4 })
	if state := m.State(); state.LastError != ErrorInternal {
		t.Errorf("state %+v, want the class %q", state, ErrorInternal)
	}
}

func TestAnUnusableURLCostsNothingButALine(t *testing.T) {
	j, lines := &journal{}, &logLines{}
	m := run(t, Config{URL: "ftp://fleet", Identity: identityA0}, Options{Logger: lines.logger()}, j, func(waits int) bool { return waits == 3 })
	if state := m.State(); state.LastError != ErrorConfig || state.Registered {
		t.Errorf("state %+v", state)
	}
	if got := lines.all(); len(got) != 1 {
		t.Errorf("%d log lines, want one:\n%s", len(got), strings.Join(got, ""))
	}
}

func TestLogsAreOneLineAChangeAndHoldNoSecret(t *testing.T) {
	j, lines := &journal{}, &logLines{}
	p := newPlane(t, j, status(http.StatusUnauthorized), status(http.StatusUnauthorized), registered(1), status(204),
		status(500), status(500), status(204), status(404), status(409), status(409), registered(1), status(204))
	config := Config{URL: p.server.URL, Identity: identityA0, Group: "asia", Token: func() (string, error) { return "s3cret-token", nil }}
	run(t, config, Options{Logger: lines.logger()}, j, func(int) bool { return p.done() })
	const registeredLine = "level=INFO msg=\"registered with the fleet control plane\" identity=asia-0 fleet=asia number=1 interval=10s\n"
	want := []string{
		"level=WARN msg=\"calling the fleet control plane failed; trying again\" class=unauthorized error=\"control plane answered 401 Unauthorized\"\n",
		registeredLine,
		"level=INFO msg=\"the fleet control plane accepts calls again\"\n",
		"level=WARN msg=\"calling the fleet control plane failed; trying again\" class=unavailable error=\"control plane answered 500 Internal Server Error\"\n",
		"level=INFO msg=\"the fleet control plane accepts calls again\"\n",
		"level=WARN msg=\"the fleet control plane does not know this member; registering again\" class=unknown error=\"control plane answered 404 Not Found\"\n",
		"level=WARN msg=\"another process holds this identity; trying again until its lease ends\" class=conflict error=\"control plane answered 409 Conflict\"\n",
		registeredLine,
		"level=INFO msg=\"the fleet control plane accepts calls again\"\n",
	}
	if diff := cmp.Diff(want, lines.all()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	for _, secret := range []string{"s3cret-token", "lease-1"} {
		if strings.Contains(strings.Join(lines.all(), ""), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
}
