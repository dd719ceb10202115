package fleetserver

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// signIn returns the cookie that a viewer token is turned into.
func (p *plane) signIn(headers ...string) *http.Cookie {
	p.t.Helper()
	got := p.ask(post, fleetapi.PathSession, "", `{"token": "viewer-secret"}`, headers...)
	cookies := (&http.Response{Header: got.header}).Cookies()
	if got.status != http.StatusNoContent || len(cookies) != 1 {
		p.t.Fatalf("signing in: %d %s with %v", got.status, got.body, cookies)
	}
	return cookies[0]
}

func (p *plane) askWithCookie(method, path, name, value string, headers ...string) int {
	p.t.Helper()
	return p.ask(method, path, "", "", append(headers, "Cookie", name+"="+value)...).status
}

func TestASessionOpensWhatAViewerMayReadAndNothingElse(t *testing.T) {
	p := newPlane(t)
	cookie := p.signIn()
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		status       int
	}{
		"a view":                     {get, "/api/fleet/view", nil, 200},
		"by HEAD":                    {"HEAD", "/api/fleet/view", nil, 200},
		"an unknown path":            {get, "/api/x", nil, 404},
		"a register":                 {post, "/fleet/register", nil, 401},
		"a POST to the viewer":       {post, "/api/fleet/view", nil, 401},
		"an administrator's path":    {get, "/api/admin/export?format=v1", nil, 401},
		"beside a wrong header":      {get, "/api/fleet/view", []string{"Authorization", "Bearer wrong"}, 401},
		"beside a wrong query":       {get, "/api/fleet/view?token=wrong", nil, 401},
		"beside an empty query":      {get, "/api/fleet/view?token=", nil, 401},
		"beside another header":      {get, "/api/fleet/view", []string{"Authorization", "Basic x"}, 200},
		"from another site, reading": {get, "/api/fleet/view", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.askWithCookie(tc.method, tc.path, cookie.Name, cookie.Value, tc.headers...); got != tc.status {
				t.Errorf("%d, want %d", got, tc.status)
			}
		})
	}
}

func TestSessionCookiesAreLockedUp(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_TRUSTED_PROXY", "1")
	for name, tc := range map[string]struct {
		headers []string
		want    string
	}{
		"plain":     {nil, "argus-session=VALUE; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"},
		"encrypted": {[]string{"X-Forwarded-Proto", "https"}, "__Host-argus-session=VALUE; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict"},
	} {
		t.Run(name, func(t *testing.T) {
			cookie := p.signIn(tc.headers...)
			if got := strings.Replace(cookie.Raw, cookie.Value, "VALUE", 1); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if got := p.askWithCookie(get, "/api/config", cookie.Name, cookie.Value); got != 200 {
				t.Errorf("it opens %d", got)
			}
			if got := p.askWithCookie(get, "/api/config", "argus-session-2", cookie.Value); got != 401 {
				t.Errorf("under another name: %d, want 401", got)
			}
		})
	}
	encrypted := p.signIn("X-Forwarded-Proto", "https")
	if got := p.askWithCookie(get, "/api/config", sessionCookie, encrypted.Value); got != 401 {
		t.Errorf("the encrypted session's cookie under the plain name: %d, want 401", got)
	}
	out := p.ask("DELETE", fleetapi.PathSession, "", "")
	if header := out.header.Get("Set-Cookie"); out.status != 204 || header != "argus-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict" {
		t.Errorf("signing out: %d %q", out.status, header)
	}
}

func TestSessionsEnd(t *testing.T) {
	p := newPlane(t)
	cookie := p.signIn()
	p.clock.advance(12*time.Hour - time.Second)
	if got := p.askWithCookie(get, "/api/config", cookie.Name, cookie.Value); got != 200 {
		t.Errorf("before 12 hours: %d", got)
	}
	p.clock.advance(time.Second)
	if got := p.askWithCookie(get, "/api/config", cookie.Name, cookie.Value); got != 401 {
		t.Errorf("after 12 hours: %d, want 401", got)
	}
	cookie = p.signIn()
	if got := p.askWithCookie(get, "/api/config", cookie.Name, cookie.Value[:len(cookie.Value)-2]+"xx"); got != 401 {
		t.Errorf("a forged cookie: %d, want 401", got)
	}
	after := newPlane(t)
	after.clock.advance(13 * time.Hour)
	if got := after.askWithCookie(get, "/api/config", cookie.Name, cookie.Value); got != 200 {
		t.Errorf("after a restart: %d, want 200", got)
	}
	rotated := newPlane(t, "ARGUS_FLEET_VIEWER_TOKEN", "another")
	if got := rotated.askWithCookie(get, "/api/config", cookie.Name, cookie.Value); got != 401 {
		t.Errorf("after its token has gone: %d, want 401", got)
	}
	both := newPlane(t, "ARGUS_FLEET_VIEWER_TOKEN", "another, viewer-secret")
	if got := both.askWithCookie(get, "/api/config", cookie.Name, cookie.Value); got != 200 {
		t.Errorf("while its token is one of two: %d, want 200", got)
	}
}

func TestSigningIn(t *testing.T) {
	p := newPlane(t)
	p.play([]step{
		{"a wrong token", post, "/api/session", "", `{"token": "wrong"}`, 401, "unauthorized\n"},
		{"the ingest token", post, "/api/session", "", `{"token": "ingest-secret"}`, 401, "unauthorized\n"},
		{"none", post, "/api/session", "", `{}`, 401, "unauthorized\n"},
		{"no JSON", post, "/api/session", "", `x`, 400, "invalid JSON body\n"},
		{"by GET", get, "/api/session", "", "", 405, "method not allowed\n"},
	})
	foreign := []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
	if got := p.ask(post, fleetapi.PathSession, "", `{"token": "viewer-secret"}`, foreign...); got.status != 403 || got.header.Get("Set-Cookie") != "" {
		t.Errorf("from another site: %d %s", got.status, got.body)
	}
	friend := newPlane(t, "ARGUS_FLEET_CORS_ORIGINS", "https://evil.example")
	if got := friend.ask(post, fleetapi.PathSession, "", `{"token": "viewer-secret"}`, foreign...); got.status != 204 {
		t.Errorf("from an allowed site: %d %s", got.status, got.body)
	}
	open := newPlane(t, "ARGUS_FLEET_VIEWER_TOKEN", "")
	if got := open.ask(post, fleetapi.PathSession, "", `{"token": "x"}`); got.status != 204 || got.header.Get("Set-Cookie") != "" {
		t.Errorf("where nothing is closed: %d with %q", got.status, got.header.Get("Set-Cookie"))
	}
	for range maxAuthFailures {
		p.ask(post, fleetapi.PathSession, "", `{"token": "wrong"}`)
	}
	if got := p.ask(post, fleetapi.PathSession, "", `{"token": "wrong"}`); got.status != 429 {
		t.Errorf("after %d failures: %d, want 429", maxAuthFailures, got.status)
	}
	p.signIn()
}

func TestOnlyATrustedProxySaysThatAConnectionIsEncrypted(t *testing.T) {
	inner := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tc := range map[string]struct {
		proxies proxies
		peer    string
		proto   string
		want    bool
	}{
		"a stranger":            {proxies{prefixes: inner}, "192.0.2.1:5", "https", false},
		"a trusted one":         {proxies{prefixes: inner}, "10.0.0.1:5", "https", true},
		"a trusted one, plain":  {proxies{prefixes: inner}, "10.0.0.1:5", "http", false},
		"the direct peer":       {proxies{direct: true}, "192.0.2.1:5", "https", true},
		"nobody is, by default": {proxies{}, "192.0.2.1:5", "https", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(get, "/", nil)
			r.RemoteAddr = tc.peer
			r.Header.Set("X-Forwarded-Proto", tc.proto)
			if got := tc.proxies.secure(r); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}
