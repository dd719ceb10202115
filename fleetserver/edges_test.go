package fleetserver

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCORS(t *testing.T) {
	const friend, stranger = "https://status.example", "https://evil.example"
	allowed := newPlane(t, "ARGUS_FLEET_CORS_ORIGINS", friend)
	for name, tc := range map[string]struct {
		method, as, origin string
		status             int
		allow              string
	}{
		"a preflight of a friend":              {"OPTIONS", "", friend, 204, friend},
		"a preflight of a stranger":            {"OPTIONS", "", stranger, 401, ""},
		"a friend's request":                   {get, "viewer", friend, 200, friend},
		"a friend's refusal can be read":       {get, "", friend, 401, friend},
		"a stranger's request gets no header":  {get, "viewer", stranger, 200, ""},
		"a request from no page":               {get, "viewer", "", 200, ""},
		"an origin that only begins like ours": {get, "viewer", friend + ".evil", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := allowed.ask(tc.method, "/api/config", tc.as, "", "Origin", tc.origin)
			if got.status != tc.status || got.header.Get("Access-Control-Allow-Origin") != tc.allow {
				t.Errorf("%d allowing %q, want %d and %q", got.status, got.header.Get("Access-Control-Allow-Origin"), tc.status, tc.allow)
			}
			if !strings.Contains(strings.Join(got.header.Values("Vary"), ", "), "Origin") {
				t.Error("Vary does not name Origin")
			}
			if exposed := got.header.Get("Access-Control-Expose-Headers"); (exposed == "ETag, Retry-After") != (tc.allow != "" && tc.method == get) {
				t.Errorf("exposes %q", exposed)
			}
			if got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
		})
	}
	preflight := allowed.ask("OPTIONS", "/api/config", "", "", "Origin", friend).header
	if preflight.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type, If-None-Match, Last-Event-ID" || preflight.Get("Access-Control-Allow-Methods") != "GET, POST, OPTIONS" {
		t.Errorf("preflight %v", preflight)
	}
	got := newPlane(t).ask(get, "/api/config", "viewer", "", "Origin", friend)
	if got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("without configured origins one is allowed")
	}
}

func TestClientAddress(t *testing.T) {
	inner := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tc := range map[string]struct {
		proxies proxies
		peer    string
		forward []string
		want    string
	}{
		"nobody is trusted by default":           {proxies{}, "192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		"a trusted peer names the client":        {proxies{prefixes: inner}, "10.0.0.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
		"an untrusted peer does not":             {proxies{prefixes: inner}, "192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		"what the client claims is not believed": {proxies{prefixes: inner}, "10.0.0.1:5", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		"trusted hops are stepped over":          {proxies{prefixes: inner}, "10.0.0.1:5", []string{"1.1.1.1, 198.51.100.7, 10.2.2.2"}, "198.51.100.7"},
		"several headers are one list":           {proxies{prefixes: inner}, "10.0.0.1:5", []string{"198.51.100.7", "10.2.2.2"}, "198.51.100.7"},
		"all hops trusted":                       {proxies{prefixes: inner}, "10.0.0.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"rubbish ends the walk":                  {proxies{prefixes: inner}, "10.0.0.1:5", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		"no header":                              {proxies{prefixes: inner}, "10.0.0.1:5", nil, "10.0.0.1"},
		"the direct peer, whoever it is":         {proxies{direct: true}, "192.0.2.1:5", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		"an IPv4 address in IPv6":                {proxies{prefixes: inner}, "[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"a zone is dropped":                      {proxies{}, "[fe80::1%eth0]:5", nil, "fe80::1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(get, "/", nil)
			r.RemoteAddr = tc.peer
			r.Header["X-Forwarded-For"] = tc.forward
			if got := tc.proxies.client(r).String(); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
	if got := (proxies{}).client(&http.Request{RemoteAddr: "@"}); got.IsValid() {
		t.Errorf("a peer without an address is %v", got)
	}
}

func TestLimitsFollowTheForwardedAddress(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_READ_BURST", "1", "ARGUS_FLEET_TRUSTED_PROXY", "1")
	for i, tc := range []struct {
		from   string
		status int
	}{{"1.1.1.1", 200}, {"2.2.2.2", 200}, {"1.1.1.1", 429}, {"2001:db8::1", 200}, {"2001:db8::2", 429}, {"2001:db8:0:1::1", 200}} {
		if got := p.ask(get, "/api/config", "viewer", "", "X-Forwarded-For", tc.from); got.status != tc.status {
			t.Errorf("request %d from %s: %d, want %d", i, tc.from, got.status, tc.status)
		}
	}
}

func TestLimiter(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	c := newClock()
	l := newLimiter(2, c.now)
	got := []bool{l.allow(a), l.allow(a), l.allow(a), l.allow(b)}
	c.advance(30 * time.Second)
	got = append(got, l.allow(a), l.allow(a))
	if diff := cmp.Diff([]bool{true, true, false, true, true, false}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i := range maxLimited {
		l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if first, second := l.allow(a), l.allow(a); !first || !second {
		t.Error("a forgotten address does not return with a full bucket")
	}
}

func TestETags(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, `"x"`: true, `W/"x"`: true, `"y"`: false, `"y", W/"x"`: true, "*": true, `"x" `: true,
	} {
		if got := etagMatches(header, `W/"x"`); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false, "x-gzip": false, "deflate, gzip": true,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestWhatAClientSaysIsHarmlessInALog(t *testing.T) {
	for said, want := range map[string]string{
		"": "?", "a\r\nb": "ab", "\x1b[31m": "[31m", strings.Repeat("é", 200): strings.Repeat("é", 128), "plain": "plain",
	} {
		if got := loggable(said); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}

func TestAPanicIsA500OfThatRequestAlone(t *testing.T) {
	p := newPlane(t)
	p.server.routes = newRoutes([]route{
		{get, "/boom", permitOpen, rateNone, func(http.ResponseWriter, *http.Request, Caller) error { panic("inner detail") }},
		{get, "/healthz", permitOpen, rateNone, endpoint(noRequest, p.server.healthz)},
	})
	got := p.ask(get, "/boom", "", "")
	if got.status != 500 || !strings.HasPrefix(got.body, "internal error, request ") || strings.Contains(got.body, "inner detail") {
		t.Errorf("%d %q", got.status, got.body)
	}
	id := strings.TrimSpace(strings.TrimPrefix(got.body, "internal error, request "))
	if logs := p.logs.String(); !strings.Contains(logs, "inner detail") || !strings.Contains(logs, id) || !strings.Contains(logs, "edges_test.go:") {
		t.Errorf("the log does not tell what happened in request %s: %s", id, logs)
	}
	if got := p.ask(get, "/healthz", "", ""); got.status != 200 {
		t.Errorf("the next request: %d", got.status)
	}
}

func TestAPanicInTheMiddleOfAReplyBreaksIt(t *testing.T) {
	p := newPlane(t)
	p.server.routes = newRoutes([]route{
		{get, "/boom", permitOpen, rateNone, func(w http.ResponseWriter, _ *http.Request, _ Caller) error {
			_, _ = w.Write([]byte(`{"half":`))
			panic("inner detail")
		}},
	})
	if response, err := http.Get(p.url + "/boom"); err == nil {
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err == nil {
			t.Errorf("%d %q looks whole", response.StatusCode, body)
		}
	}
	if logs := p.logs.String(); !strings.Contains(logs, "inner detail") || !strings.Contains(logs, "edges_test.go:") {
		t.Errorf("the log does not tell what happened, and where: %s", logs)
	}
	if metrics := p.ask(get, "/metrics", "viewer", "").status; metrics != 404 {
		t.Errorf("the next request: %d", metrics)
	}
}

// slowWriter counts how often it is given more time, all in all and before the
// first bytes.
type slowWriter struct {
	httptest.ResponseRecorder
	extended, early int
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if w.Body.Len() == 0 {
		w.early = w.extended
	}
	return w.ResponseRecorder.Write(p)
}

// SetWriteDeadline is what http.ResponseController looks for.
func (w *slowWriter) SetWriteDeadline(at time.Time) error {
	if time.Until(at) > writeTimeout-time.Second {
		w.extended++
	}
	return nil
}

func TestALargeReplyHasItsTime(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 5*sendSpan/32) // two and a half spans
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		reply writer
		early int
	}{
		"an export":                        {rendered{body: body}, 0},
		"a backup, which took time before": {download{path}, 1},
	} {
		w := &slowWriter{ResponseRecorder: *httptest.NewRecorder()}
		tc.reply.writeTo(&statusRecorder{ResponseWriter: w}, httptest.NewRequest(get, "/", nil))
		if w.extended != 2+tc.early || w.early != tc.early || !bytes.Equal(w.Body.Bytes(), body) {
			t.Errorf("%s: %d bytes with %d extensions of time, %d of them early; want %d, %d and %d",
				name, w.Body.Len(), w.extended, w.early, len(body), 2+tc.early, tc.early)
		}
	}
}

func TestTheSweepersAgeIsMonotonic(t *testing.T) {
	p := newPlane(t)
	p.server.now = time.Now
	p.server.noteSweep()
	if at := p.server.swept.Load().String(); !strings.Contains(at, " m=") {
		t.Errorf("%s: a step of the wall clock would make the sweeper look late", at)
	}
}
