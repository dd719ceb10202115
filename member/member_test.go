package member

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	register   = "/fleet/register"
	beat       = "/fleet/heartbeat with values"
	leanBeat   = "/fleet/heartbeat"
	identityA0 = "asia-0"
)

// story is a control plane's answers, and what a member makes of them.
type story struct {
	script     []reply
	want       []string // calls and waits, in order
	registered bool
	number     int
	lastError  ErrorClass
}

// play tells each story to a member of its own.
func play(t *testing.T, stories map[string]story) {
	t.Helper()
	for name, tc := range stories {
		t.Run(name, func(t *testing.T) {
			j := &journal{}
			p := newPlane(t, j, tc.script...)
			m := run(t, Config{URL: p.server.URL, Identity: identityA0}, Options{Snapshot: oneGuild}, j,
				func(int) bool { return p.done() })
			if diff := cmp.Diff(tc.want, j.all()); diff != "" {
				t.Errorf("calls and waits (-want +got):\n%s", diff)
			}
			state := m.State()
			want := State{Identity: identityA0, Registered: tc.registered, Number: tc.number, LastError: tc.lastError, LastAccepted: state.LastAccepted}
			if diff := cmp.Diff(want, state); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegistering(t *testing.T) {
	play(t, map[string]story{
		"the first beat follows its registration at once, the next ones the interval of the reply": {
			script:     []reply{registered(7), status(204), status(204)},
			want:       []string{register, beat, "wait 10s", beat, "wait 10s"},
			registered: true, number: 7,
		},
		"a control plane that names no interval is beaten every 15 s": {
			script: []reply{
				{status: 200, body: map[string]any{"number": 1, "lease": "x"}}, status(204),
			},
			want:       []string{register, beat, "wait 15s"},
			registered: true, number: 1,
		},
		"a failed registration is repeated with growing waits": {
			script: []reply{
				status(500), status(502), status(500), status(500), status(500), status(500), status(500), registered(1), status(204),
			},
			want: []string{
				register, "wait 750ms", register, "wait 1.5s", register, "wait 3s", register, "wait 6s", register, "wait 12s",
				register, "wait 22.5s", register, "wait 22.5s", register, beat, "wait 10s",
			},
			registered: true, number: 1,
		},
		"a registration waits as long as it is asked to, and a little more": {
			script:     []reply{{status: 429, retryAfter: "20"}, {status: 503, retryAfter: "40"}, registered(1), status(204)},
			want:       []string{register, "wait 21s", register, "wait 42s", register, beat, "wait 10s"},
			registered: true, number: 1,
		},
		"nobody makes a member wait for days": {
			script:    []reply{{status: 503, retryAfter: "1000000"}},
			want:      []string{register, "wait 5m15s"},
			lastError: ErrorUnavailable,
		},
		"a refused registration says why and is repeated": {
			script:    []reply{status(403)},
			want:      []string{register, "wait 750ms"},
			lastError: ErrorRefused,
		},
		"a reply that is no JSON is no registration": {
			script:    []reply{{status: 200, raw: "<html>"}},
			want:      []string{register, "wait 750ms"},
			lastError: ErrorProtocol,
		},
		"a redirect is not followed": {
			script:    []reply{status(302)},
			want:      []string{register, "wait 750ms"},
			lastError: ErrorProtocol,
		},
	})
}

func TestRegisteringAgain(t *testing.T) {
	play(t, map[string]story{
		"an unknown member registers again": {
			script:     []reply{registered(3), status(204), status(404), registered(4), status(204)},
			want:       []string{register, beat, "wait 10s", beat, "wait 750ms", register, beat, "wait 10s"},
			registered: true, number: 4,
		},
		"a control plane that forgets at once is not called in a tight loop": {
			script:    []reply{registered(1), status(404), registered(1), status(404), registered(1), status(404)},
			want:      []string{register, beat, "wait 750ms", register, beat, "wait 1.5s", register, beat, "wait 3s"},
			number:    1,
			lastError: ErrorUnknown,
		},
		"after an accepted beat the back-off starts anew": {
			script:     []reply{registered(1), status(204), status(404), registered(1), status(204), status(404), registered(1), status(204)},
			want:       []string{register, beat, "wait 10s", beat, "wait 750ms", register, beat, "wait 10s", beat, "wait 750ms", register, beat, "wait 10s"},
			registered: true, number: 1,
		},
		"a conflict on a beat is answered by a registration": {
			script:     []reply{registered(2), status(409), status(409), registered(2), status(204)},
			want:       []string{register, beat, "wait 750ms", register, "wait 1.5s", register, beat, "wait 10s"},
			registered: true, number: 2,
		},
		"a conflict that lasts is tried with back-off and shown": {
			script:    []reply{status(409), status(409)},
			want:      []string{register, "wait 750ms", register, "wait 1.5s"},
			lastError: ErrorConflict,
		},
	})
}

func TestBeating(t *testing.T) {
	play(t, map[string]story{
		"a snapshot that is too large is left out at once, and tried again after ten beats": {
			script: append(append([]reply{registered(1), status(413)}, repeat(status(204), 11)...), status(204)),
			want: append(append([]string{register, beat, leanBeat, "wait 10s"},
				repeat2(10, leanBeat, "wait 10s")...), beat, "wait 10s"),
			registered: true, number: 1,
		},
		"a refused beat without values is not repeated at once": {
			script:     []reply{registered(1), status(413), status(413), status(204)},
			want:       []string{register, beat, leanBeat, "wait 10s", leanBeat, "wait 10s"},
			registered: true, number: 1,
		},
		"a beat too many waits as long as it is asked to": {
			script:     []reply{registered(1), {status: 429, retryAfter: "20"}, status(204)},
			want:       []string{register, beat, "wait 21s", beat, "wait 10s"},
			registered: true, number: 1,
		},
		"a short Retry-After does not make the beat faster": {
			script:     []reply{registered(1), {status: 503, retryAfter: "1"}, status(204)},
			want:       []string{register, beat, "wait 10s", beat, "wait 10s"},
			registered: true, number: 1,
		},
		"a refused token costs beats, not the registration": {
			script:     []reply{registered(1), status(204), status(401), status(401)},
			want:       []string{register, beat, "wait 10s", beat, "wait 10s", beat, "wait 10s"},
			registered: true, number: 1, lastError: ErrorUnauthorized,
		},
		"a control plane that has not accepted anything within its time-out is not one we are registered with": {
			script: []reply{registered(1), status(204), status(500), status(500), status(500), status(500)},
			want:   []string{register, beat, "wait 10s", beat, "wait 10s", beat, "wait 10s", beat, "wait 10s", beat, "wait 10s"},
			number: 1, lastError: ErrorUnavailable,
		},
		"a broken connection is the control plane's absence": {
			script:     []reply{registered(1), {cut: true}},
			want:       []string{register, beat, "wait 10s"},
			registered: true, number: 1, lastError: ErrorUnreachable,
		},
	})
}

func repeat(r reply, times int) []reply {
	replies := make([]reply, times)
	for i := range replies {
		replies[i] = r
	}
	return replies
}

func repeat2(times int, a, b string) []string {
	var lines []string
	for range times {
		lines = append(lines, a, b)
	}
	return lines
}

func TestWhatIsSent(t *testing.T) {
	j := &journal{}
	p := newPlane(t, j, registered(1), status(204), status(404), registered(2), status(204))
	config := Config{
		URL: p.server.URL + "/prefix//", Identity: identityA0, Group: "asia", ScrapeTarget: "10.0.0.7:9191",
		Token: func() (string, error) { return "ingest", nil },
	}
	run(t, config, Options{Snapshot: oneGuild, Version: "1.2.3"}, j, func(int) bool { return p.done() })

	snapshot := map[string]any{"metrics": map[string]any{"discord_guilds": map[string]any{
		"type": "gauge",
		"samples": []any{
			map[string]any{"name": "discord_guilds", "labels": map[string]any{"cluster": identityA0}, "value": 9.0},
		},
	}}}
	registration := map[string]any{"identity": identityA0, "fleet": "asia", "version": "1.2.3", "scrape_target": "10.0.0.7:9191"}
	again := map[string]any{"identity": identityA0, "fleet": "asia", "version": "1.2.3", "scrape_target": "10.0.0.7:9191", "lease": "lease-1"}
	want := []call{
		{Path: "/prefix/fleet/register", Body: registration},
		{Path: "/prefix/fleet/heartbeat", Body: map[string]any{"identity": identityA0, "lease": "lease-1", "snapshot": snapshot}},
		{Path: "/prefix/fleet/heartbeat", Body: map[string]any{"identity": identityA0, "lease": "lease-1", "snapshot": snapshot}},
		{Path: "/prefix/fleet/register", Body: again},
		{Path: "/prefix/fleet/heartbeat", Body: map[string]any{"identity": identityA0, "lease": "lease-2", "snapshot": snapshot}},
	}
	for i := range want {
		want[i].Token = "Bearer ingest"
	}
	if diff := cmp.Diff(want, p.recorded()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAHostWithoutValuesBeatsWithoutThem(t *testing.T) {
	j := &journal{}
	p := newPlane(t, j, registered(1), status(204))
	run(t, Config{URL: p.server.URL, Identity: identityA0}, Options{}, j, func(int) bool { return p.done() })
	if diff := cmp.Diff([]string{register, leanBeat, "wait 10s"}, j.all()); diff != "" {
		t.Errorf("calls and waits (-want +got):\n%s", diff)
	}
	if token := p.recorded()[0].Token; token != "" {
		t.Errorf("without a token the member sent Authorization: %q", token)
	}
}

func TestJitterSpreadsByTenPercent(t *testing.T) {
	for random, want := range map[float64]time.Duration{0: 9 * time.Second, 0.5: 10 * time.Second, 0.999999: 11 * time.Second} {
		if got := jittered(10*time.Second, random).Round(time.Millisecond); got != want {
			t.Errorf("jittered(10s, %g) = %s, want %s", random, got, want)
		}
	}
}

func TestBackoffNeverOverflowsOrExceedsItsBound(t *testing.T) {
	for failures := range 200 {
		for _, random := range []float64{0, 0.5, 0.999} {
			if wait := backoff(failures, random); wait < backoffBase/2 || wait > backoffMax {
				t.Fatalf("backoff(%d, %g) = %s", failures, random, wait)
			}
		}
	}
}

func TestTheReplyCannotMakeTheMemberUnreasonable(t *testing.T) {
	for name, tc := range map[string]struct {
		reply    fleetapi.RegisterResponse
		interval time.Duration
		ttl      time.Duration
	}{
		"an original control plane names nothing":  {fleetapi.RegisterResponse{}, 15 * time.Second, 45 * time.Second},
		"ours names both":                          {fleetapi.RegisterResponse{IntervalSeconds: 5, TTLSeconds: 20}, 5 * time.Second, 20 * time.Second},
		"negative values are none":                 {fleetapi.RegisterResponse{IntervalSeconds: -1, TTLSeconds: -1}, 15 * time.Second, 45 * time.Second},
		"an interval of years is an hour":          {fleetapi.RegisterResponse{IntervalSeconds: 1 << 40, TTLSeconds: 1}, time.Hour, time.Hour},
		"a time to live shorter than the interval": {fleetapi.RegisterResponse{IntervalSeconds: 30, TTLSeconds: 10}, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := intervalOf(tc.reply); got != tc.interval {
				t.Errorf("interval %s, want %s", got, tc.interval)
			}
			if got := ttlOf(tc.reply); got != tc.ttl {
				t.Errorf("ttl %s, want %s", got, tc.ttl)
			}
		})
	}
}

func TestStatusClasses(t *testing.T) {
	for code, want := range map[int]ErrorClass{
		http.StatusBadRequest: ErrorProtocol, http.StatusUnauthorized: ErrorUnauthorized, http.StatusForbidden: ErrorRefused,
		http.StatusNotFound: ErrorUnknown, http.StatusConflict: ErrorConflict, http.StatusRequestEntityTooLarge: ErrorTooLarge,
		http.StatusTooManyRequests: ErrorRateLimited, http.StatusInternalServerError: ErrorUnavailable,
		http.StatusServiceUnavailable: ErrorUnavailable, http.StatusTeapot: ErrorProtocol,
	} {
		if got := classify(&fleetapi.StatusError{Code: code}); got != want {
			t.Errorf("%d is %q, want %q", code, got, want)
		}
	}
}
