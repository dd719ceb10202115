package fleetserver

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// step is one request of a scenario and what must come back.
type step struct {
	name         string
	method, path string
	as, body     string
	status       int
	// want is the whole body, or a part of it with "..." in front.
	want string
}

func (p *plane) play(steps []step) {
	p.t.Helper()
	for _, s := range steps {
		got := p.ask(s.method, s.path, s.as, s.body)
		part, partly := strings.CutPrefix(s.want, "...")
		if got.status != s.status || (partly && !strings.Contains(got.body, part)) || (!partly && got.body != s.want) {
			p.t.Errorf("%s: %s %s as %q: %d %q, want %d %q", s.name, s.method, s.path, s.as, got.status, got.body, s.status, s.want)
		}
	}
}

const (
	post = http.MethodPost
	get  = http.MethodGet
)

func TestScenarios(t *testing.T) {
	for name, tc := range map[string]struct {
		env   []string
		steps []step
	}{
		"health, readiness and the page are open": {nil, []step{
			{"health", get, "/healthz", "", "", 200, "ok\n"},
			{"readiness", get, "/readyz", "", "", 200, "ready\n"},
			{"page", get, "/", "", "", 200, "...<h1>Argus fleet"},
			{"health by HEAD", "HEAD", "/healthz", "", "", 200, ""},
			{"a wrong method", post, "/healthz", "", "", 405, "method not allowed\n"},
		}},
		"a path that does not exist tells nothing without a token": {nil, []step{
			{"without", get, "/api/nothing", "", "", 401, "unauthorized\n"},
			{"with another surface's", get, "/api/nothing", "ingest", "", 401, "unauthorized\n"},
			{"with", get, "/api/nothing", "viewer", "", 404, "not found\n"},
			{"a known one with a slash", get, "/api/config/", "viewer", "", 404, "not found\n"},
			{"a known one with dots", get, "/api/x/../config", "viewer", "", 404, "not found\n"},
			{"nothing is redirected", get, "//healthz", "viewer", "", 404, "not found\n"},
			{"wrong method, no token", "DELETE", "/api/config", "", "", 401, "unauthorized\n"},
			{"wrong method, token", "DELETE", "/api/config", "viewer", "", 405, "method not allowed\n"},
			{"preflight without CORS", "OPTIONS", "/api/config", "", "", 401, "unauthorized\n"},
		}},
		"the token may stand in the query, a header goes first": {nil, []step{
			{"query", get, "/api/config?token=viewer-secret", "", "", 200, `..."fleet":true`},
			{"wrong header", get, "/api/config?token=viewer-secret", "wrong", "", 401, "unauthorized\n"},
			{"empty query", get, "/api/config?token=", "", "", 401, "unauthorized\n"},
		}},
		"registering": {nil, []step{
			{"first", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`, 200, `...{"number":1,"lease":"`},
			{"second", post, "/fleet/register", "ingest", `{"identity": "b", "fleet": "asia"}`, 200, `...{"number":2,`},
			{"no fleet", post, "/fleet/register", "ingest", `{"identity": "c", "fleet": ""}`, 200, `...{"number":1,`},
			{"again", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia", "unknown": 1}`, 200, `...{"number":1,`},
			{"interval and TTL are told", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`, 200, `..."interval_seconds":15,"ttl_seconds":45}`},
			{"a doubled slash", post, "//fleet/register", "ingest", `{"identity": "d", "fleet": "asia"}`, 200, `...{"number":3,`},
			{"a number as identity", post, "/fleet/register", "ingest", `{"identity": 7, "fleet": "asia"}`, 200, `...{"number":4,`},
			{"no identity", post, "/fleet/register", "ingest", `{}`, 400, "identity required\n"},
			{"zero", post, "/fleet/register", "ingest", `{"identity": 0}`, 400, "identity required\n"},
			{"an object", post, "/fleet/register", "ingest", `{"identity": {}}`, 400, "identity required\n"},
			{"a list", post, "/fleet/register", "ingest", `[]`, 400, "expected a JSON object\n"},
			{"no JSON", post, "/fleet/register", "ingest", `{`, 400, "invalid JSON body\n"},
			{"no body", post, "/fleet/register", "ingest", ``, 400, "invalid JSON body\n"},
			{"no UTF-8", post, "/fleet/register", "ingest", "{\"identity\": \"\xff\"}", 400, "invalid JSON body\n"},
			{"too long", post, "/fleet/register", "ingest", fmt.Sprintf(`{"identity": %q}`, strings.Repeat("x", 129)), 400, "identity must have at most 128 characters\n"},
			{"GET", get, "/fleet/register", "ingest", "", 405, "method not allowed\n"},
		}},
		"beating": {nil, []step{
			{"unknown", post, "/fleet/heartbeat", "ingest", `{"identity": "a"}`, 404, "unknown identity\n"},
			{"unknown and long", post, "/fleet/heartbeat", "ingest", fmt.Sprintf(`{"identity": %q}`, strings.Repeat("x", 10_000)), 404, "unknown identity\n"},
			{"register", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
			{"known", post, "/fleet/heartbeat", "ingest", `{"identity": "a"}`, 204, ""},
			{"a doubled slash", post, "//fleet/heartbeat", "ingest", `{"identity": "a"}`, 204, ""},
			{"Python's literals", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "snapshot": {"metrics": {"x": {"samples": [{"name": "discord_guilds", "labels": {}, "value": NaN}]}}}}`, 204, ""},
			{"a snapshot that is none", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "snapshot": 3}`, 204, ""},
			{"no identity", post, "/fleet/heartbeat", "ingest", `{}`, 400, "identity required\n"},
			{"as a viewer", post, "/fleet/heartbeat", "viewer", `{"identity": "a"}`, 401, "unauthorized\n"},
		}},
		"leases that are required": {[]string{"ARGUS_FLEET_REQUIRE_LEASE", "1"}, []step{
			{"register", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
			{"wrong", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "lease": "x"}`, 409, "identity is leased to another holder\n"},
			{"none", post, "/fleet/heartbeat", "ingest", `{"identity": "a"}`, 409, "identity is leased to another holder\n"},
			{"a surrogate", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "lease": "\ud800"}`, 409, "identity is leased to another holder\n"},
			{"register with another", post, "/fleet/register", "ingest", `{"identity": "a", "lease": "x"}`, 409, "identity is leased to another holder\n"},
			{"again, as after a lost reply", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, `...{"number":1,`},
		}},
		"the cap on clusters": {[]string{"ARGUS_FLEET_MAX_CLUSTERS", "2"}, []step{
			{"first", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
			{"second", post, "/fleet/register", "ingest", `{"identity": "b"}`, 200, "..."},
			{"third", post, "/fleet/register", "ingest", `{"identity": "c"}`, 403, "fleet cluster cap reached\n"},
			{"known", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
		}},
		"registers by address": {[]string{"ARGUS_FLEET_REGISTER_BURST", "2"}, []step{
			{"first", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
			{"second", post, "/fleet/register", "ingest", `{"identity": "b"}`, 200, "..."},
			{"third", post, "/fleet/register", "ingest", `{"identity": "c"}`, 429, "register rate exceeded\n"},
		}},
		"heartbeats by identity": {[]string{"ARGUS_FLEET_HEARTBEAT_BURST", "2"}, []step{
			{"a registers", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
			{"b registers", post, "/fleet/register", "ingest", `{"identity": "b"}`, 200, "..."},
			{"first", post, "/fleet/heartbeat", "ingest", `{"identity": "a"}`, 204, ""},
			{"second", post, "/fleet/heartbeat", "ingest", `{"identity": "a"}`, 204, ""},
			{"third", post, "/fleet/heartbeat", "ingest", `{"identity": "a"}`, 429, "heartbeat rate exceeded\n"},
			{"the other's", post, "/fleet/heartbeat", "ingest", `{"identity": "b"}`, 204, ""},
		}},
		"reads by address, HEAD among them, failures not": {[]string{"ARGUS_FLEET_READ_BURST", "2"}, []step{
			{"refused", get, "/api/config", "wrong", "", 401, "unauthorized\n"},
			{"refused again", get, "/api/config", "", "", 401, "unauthorized\n"},
			{"refused a third time", get, "/api/config", "", "", 401, "unauthorized\n"},
			{"first", get, "/api/config", "viewer", "", 200, "..."},
			{"second", "HEAD", "/api/config", "viewer", "", 200, ""},
			{"third", get, "/api/config", "viewer", "", 429, "read rate exceeded\n"},
			{"probing unknown paths", get, "/api/x", "viewer", "", 429, "read rate exceeded\n"},
			{"health", get, "/healthz", "", "", 200, "ok\n"},
			{"registering", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
		}},
		"what needs no credential costs no read, whatever its method": {[]string{"ARGUS_FLEET_READ_BURST", "1"}, []step{
			{"another method of the session", get, "/api/session", "", "", 405, "..."},
			{"another method of health", post, "/healthz", "", "", 405, "..."},
			{"another method of a read", post, "/api/config", "viewer", "", 405, "..."},
			{"a read", get, "/api/config", "viewer", "", 429, "read rate exceeded\n"},
		}},
		"the body cap": {[]string{"ARGUS_FLEET_MAX_BODY_BYTES", "50"}, []step{
			{"below", post, "/fleet/register", "ingest", `{"identity": "a"}`, 200, "..."},
			{"above", post, "/fleet/register", "ingest", `{"identity": "a", "x": "` + strings.Repeat("x", 50) + `"}`, 413, "request body too large\n"},
		}},
		"one cluster": {nil, []step{
			{"register", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`, 200, "..."},
			{"found", get, "/api/fleet/cluster?fleet=asia&number=1", "viewer", "", 200, `...{"cluster":{"number":1,"identity":"a","fleet":"asia","status":"up",`},
			{"its history", get, "/api/fleet/cluster?fleet=asia&number=1", "viewer", "", 200, `..."history":[`},
			{"another number", get, "/api/fleet/cluster?fleet=asia&number=2", "viewer", "", 404, "cluster not found\n"},
			{"another fleet", get, "/api/fleet/cluster?fleet=eu&number=1", "viewer", "", 404, "cluster not found\n"},
			{"no number", get, "/api/fleet/cluster?fleet=asia", "viewer", "", 400, "fleet and numeric number required\n"},
			{"no fleet", get, "/api/fleet/cluster?number=1", "viewer", "", 400, "fleet and numeric number required\n"},
			{"a digit that is none", get, "/api/fleet/cluster?fleet=asia&number=%C2%B2", "viewer", "", 400, "fleet and numeric number required\n"},
			{"a sign", get, "/api/fleet/cluster?fleet=asia&number=%2B1", "viewer", "", 400, "fleet and numeric number required\n"},
			{"twenty digits", get, "/api/fleet/cluster?fleet=asia&number=99999999999999999999", "viewer", "", 400, "fleet and numeric number required\n"},
		}},
		"scrape targets": {nil, []step{
			{"with", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia", "scrape_target": "10.0.0.1:9191"}`, 200, "..."},
			{"without", post, "/fleet/register", "ingest", `{"identity": "b", "fleet": "asia"}`, 200, "..."},
			{"a local one does not cost the place", post, "/fleet/register", "ingest", `{"identity": "c", "fleet": "asia", "scrape_target": "127.0.0.1:22"}`, 200, "..."},
			{"listed", get, "/api/fleet/targets", "viewer", "", 200, `[{"targets":["10.0.0.1:9191"],"labels":{"__metrics_path__":"/metrics","cluster":"a","fleet":"asia"}}]`},
			{"kept when not mentioned", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`, 200, "..."},
			{"still listed", get, "/api/fleet/targets", "viewer", "", 200, `...10.0.0.1`},
			{"cleared", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia", "scrape_target": ""}`, 200, "..."},
			{"gone", get, "/api/fleet/targets", "viewer", "", 200, `[]`},
		}},
		"without tokens, on loopback, all is open": {[]string{"ARGUS_FLEET_INGEST_TOKEN", "", "ARGUS_FLEET_VIEWER_TOKEN", ""}, []step{
			{"config", get, "/api/config", "", "", 200, `..."auth_required":false`},
			{"register", post, "/fleet/register", "", `{"identity": "a"}`, 200, "..."},
			{"unknown", get, "/nothing", "", "", 404, "not found\n"},
		}},
		"a shared token opens both surfaces, each list all its tokens": {[]string{"ARGUS_FLEET_INGEST_TOKEN", "", "ARGUS_FLEET_VIEWER_TOKEN", "", "ARGUS_FLEET_TOKEN", "ingest-secret, viewer-secret"}, []step{
			{"config", get, "/api/config", "ingest", "", 200, "..."},
			{"register", post, "/fleet/register", "viewer", `{"identity": "a"}`, 200, "..."},
		}},
	} {
		t.Run(name, func(t *testing.T) { newPlane(t, tc.env...).play(tc.steps) })
	}
}

func TestEveryReplyIsHardened(t *testing.T) {
	p := newPlane(t)
	want := map[string]string{
		"Server": "argus-fleet", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
		"Cache-Control":           "private, no-cache",
	}
	for _, path := range []string{"/healthz", "/", "/api/config", "/metrics", "/nothing"} {
		for _, as := range []string{"", "viewer"} {
			got := p.ask(get, path, as, "")
			for name, value := range want {
				if got.header.Get(name) != value {
					t.Errorf("%s as %q: %s is %q, want %q", path, as, name, got.header.Get(name), value)
				}
			}
			if (got.status == 401) != (got.header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s as %q: %d with WWW-Authenticate %q", path, as, got.status, got.header.Get("WWW-Authenticate"))
			}
		}
	}
	if got := p.ask("DELETE", "/api/config", "viewer", "").header.Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow is %q", got)
	}
}

func TestRefusalsForNowSayWhenToComeBack(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_REGISTER_BURST", "1", "ARGUS_FLEET_READ_BURST", "1")
	p.join("a", "asia")
	p.ask(get, "/api/config", "viewer", "")
	for path, method := range map[string]string{"/fleet/register": post, "/api/config": get} {
		as := map[string]string{post: "ingest", get: "viewer"}[method]
		got := p.ask(method, path, as, `{"identity": "b"}`)
		if got.status != 429 || got.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d with Retry-After %q, want 429 and 1", path, got.status, got.header.Get("Retry-After"))
		}
	}
}

func TestAHoldersRegistersCostNobodyElse(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_REGISTER_BURST", "2")
	lease := p.join("a", "asia").Lease
	for range 5 {
		lease = p.register(fmt.Sprintf(`{"identity": "a", "fleet": "asia", "lease": %q}`, lease)).Lease
	}
	p.join("b", "asia")
}

func TestFailedAuthentications(t *testing.T) {
	p := newPlane(t)
	statuses := map[int]int{}
	for range maxAuthFailures + 30 {
		statuses[p.ask(get, "/api/config", "wrong", "").status]++
	}
	if statuses[401] != maxAuthFailures || statuses[429] != 30 {
		t.Errorf("replies %v, want %d times 401 and 30 times 429", statuses, maxAuthFailures)
	}
	if got := p.ask(get, "/api/config", "viewer", ""); got.status != 200 {
		t.Errorf("a valid token after somebody's failures: %d", got.status)
	}
	logs := p.logs.String()
	if n := strings.Count(logs, "authentication failed"); n != maxAuthFailures {
		t.Errorf("%d failures logged", n)
	}
	if n := strings.Count(logs, "too many failed authentications"); n != 1 {
		t.Errorf("%d summaries logged, want 1", n)
	}
	if strings.Contains(logs, tokens["wrong"]) {
		t.Error("the log holds a token")
	}
	p.clock.advance(time.Minute)
	if got := p.ask(get, "/api/config", "wrong", ""); got.status != 401 {
		t.Errorf("a minute later: %d, want 401", got.status)
	}
}

// pack returns a body in gzip.
func pack(body string) string {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(body))
	_ = w.Close()
	return packed.String()
}

func TestCompressedBodies(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_MAX_BODY_BYTES", "20000")
	for name, tc := range map[string]struct {
		encoding, body string
		status         int
	}{
		"gzip":                  {"gzip", pack(`{"identity": "a"}`), 200},
		"gzip that is none":     {"gzip", `{"identity": "a"}`, 400},
		"gzip cut short":        {"gzip", pack(`{"identity": "a"}`)[:20], 400},
		"a bomb":                {"gzip", pack(`{"identity": "a", "x": "` + strings.Repeat("x", 10<<20) + `"}`), 413},
		"another encoding":      {"br", `{"identity": "a"}`, 415},
		"the identity encoding": {"identity", `{"identity": "a"}`, 200},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.ask(post, fleetapi.PathRegister, "ingest", tc.body, "Content-Encoding", tc.encoding); got.status != tc.status {
				t.Errorf("%d %s, want %d", got.status, got.body, tc.status)
			}
		})
	}
}

func TestAnOversizedBeatStillShowsThatTheBotLives(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_MAX_BODY_BYTES", "30000")
	p.join("a", "asia")
	p.beat("a", "", snapshot(map[string]float64{"guilds": 3}))
	p.clock.advance(40 * time.Second)
	if got := p.beat("a", "", `{"metrics": {"`+strings.Repeat("x", 40_000)+`": {}}}`); got.status != 413 {
		t.Errorf("%d, want 413", got.status)
	}
	p.clock.advance(40 * time.Second)
	c := p.view().Fleets[0].Clusters[0]
	if c.Status != "up" || !c.Oversized || c.Metrics.Guilds != 3 {
		t.Errorf("status %s, oversized %v, guilds %v; want up, true and the last 3", c.Status, c.Oversized, c.Metrics.Guilds)
	}
	p.beat("a", "", snapshot(map[string]float64{"guilds": 4}))
	if c := p.view().Fleets[0].Clusters[0]; c.Oversized || c.Metrics.Guilds != 4 {
		t.Errorf("after a beat that fits: oversized %v, guilds %v", c.Oversized, c.Metrics.Guilds)
	}
	if got := p.beat("ghost", "", `"`+strings.Repeat("x", 40_000)+`"`); got.status != 404 {
		t.Errorf("an oversized beat of a stranger: %d, want 404", got.status)
	}
}

func TestBodiesInFlightAreBounded(t *testing.T) {
	p := newPlane(t)
	if !p.server.inFlight.reserve(maxInFlightBytes - 10) {
		t.Fatal("the budget is not free")
	}
	got := p.ask(post, fleetapi.PathRegister, "ingest", `{"identity": "a"}`)
	if got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("%d with Retry-After %q, want 503 and one", got.status, got.header.Get("Retry-After"))
	}
	p.server.inFlight.release(maxInFlightBytes - 10)
	p.join("a", "asia")
	if used := p.server.inFlight.used.Load(); used != 0 {
		t.Errorf("%d bytes are still reserved", used)
	}
}
