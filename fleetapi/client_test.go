package fleetapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seen is what a server got.
type seen struct{ Method, Path, Token, Type, Body string }

// serve answers every request with a status and a body and keeps what it got.
func serve(t *testing.T, status int, reply string, headers ...string) (*Client, *seen) {
	t.Helper()
	got := &seen{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*got = seen{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, reply)
	}))
	t.Cleanup(server.Close)
	client, err := NewClient(server.URL+"/prefix/", ClientOptions{Token: func() (string, error) { return "secret", nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, got
}

func TestCalls(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		status int
		reply  string
		call   func(*Client) (any, error)
		want   seen
		answer any
	}{
		"register": {
			200, `{"number": 3, "lease": "l", "interval_seconds": 15, "ttl_seconds": 45, "more": 1}`,
			func(c *Client) (any, error) { return c.Register(ctx, RegisterRequest{Identity: "a", Fleet: "asia"}) },
			seen{"POST", "/prefix/fleet/register", "Bearer secret", "application/json", `{"identity":"a","fleet":"asia","scrape_target":""}`},
			RegisterResponse{Number: 3, Lease: "l", IntervalSeconds: 15, TTLSeconds: 45},
		},
		"heartbeat": {
			204, ``,
			func(c *Client) (any, error) {
				return nil, c.Heartbeat(ctx, HeartbeatRequest{Identity: "a", Lease: "l"})
			},
			seen{"POST", "/prefix/fleet/heartbeat", "Bearer secret", "application/json", `{"identity":"a","lease":"l"}`},
			nil,
		},
		"leave": {
			204, ``,
			func(c *Client) (any, error) { return nil, c.Leave(ctx, LeaveRequest{Identity: "a", Lease: "l"}) },
			seen{"POST", "/prefix/fleet/leave", "Bearer secret", "application/json", `{"identity":"a","lease":"l"}`},
			nil,
		},
		"status": {
			200, `{"version": "1", "clusters": [{"identity": "a b"}]}`,
			func(c *Client) (any, error) { return c.Status(ctx, "a b&") },
			seen{"GET", "/prefix/api/fleet/status?prefix=a+b%26", "Bearer secret", "", ""},
			Status{Version: "1", Clusters: []ClusterStatus{{Identity: "a b"}}},
		},
		"health": {
			200, "ok\n",
			func(c *Client) (any, error) { return nil, c.Healthz(ctx) },
			seen{"GET", "/prefix/healthz", "Bearer secret", "", ""},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, got := serve(t, tc.status, tc.reply)
			answer, err := tc.call(client)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, *got); diff != "" {
				t.Errorf("request (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tc.answer, answer); diff != "" {
				t.Errorf("answer (-want +got)\n%s", diff)
			}
		})
	}
}

func TestRepliesThatAreNotExpected(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		reply   string
		headers []string
		want    string
		code    int
		after   time.Duration
	}{
		"a status carries its code, never the body": {503, "secret detail", []string{"Retry-After", "7"}, "control plane answered 503 Service Unavailable", 503, 7 * time.Second},
		"a redirect is not followed":                {302, "", []string{"Location", "http://127.0.0.1:1/"}, "control plane answered 302 Found", 302, 0},
		"a wait that is no number is none":          {429, "", []string{"Retry-After", "soon"}, "control plane answered 429 Too Many Requests", 429, 0},
		"something else than JSON is not quoted":    {200, "<html>secret", nil, "control plane answered with something else than the expected JSON", 0, 0},
		"too much":                                  {200, `{"version": "` + strings.Repeat("x", defaultMaxResponseBytes) + `"}`, nil, "control plane answered with more than 1048576 bytes", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := serve(t, tc.status, tc.reply, tc.headers...)
			_, err := client.Summary(context.Background())
			if err == nil || err.Error() != tc.want {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
			if status, ok := errors.AsType[*StatusError](err); ok != (tc.code != 0) || (ok && (status.Code != tc.code || status.RetryAfter != tc.after)) {
				t.Errorf("status error %+v, want code %d after %v", status, tc.code, tc.after)
			}
		})
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for _, address := range []string{"", "fleet:9190", "ftp://fleet", "http://", "http://user:pw@fleet", "http://fleet/?token=x", "http://fleet/#x", "http://a b"} {
		if _, err := NewClient(address, ClientOptions{}); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAGuardedClientDoesNotCallHome(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	for _, address := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), "http://169.254.169.254", "http://[::1]:1", "http://0.0.0.0:1"} {
		client, err := NewClient(address, ClientOptions{Guarded: true})
		if err != nil {
			t.Fatal(err)
		}
		err = client.Healthz(context.Background())
		if err == nil || !strings.Contains(err.Error(), "loopback, link-local or multicast") {
			t.Errorf("%s: %v", address, err)
		}
		client.Close()
	}
	if called {
		t.Error("the local server was called")
	}
}

func TestTokenTroubleStopsTheCall(t *testing.T) {
	client, err := NewClient("http://fleet.example", ClientOptions{Token: func() (string, error) { return "", errors.New("no file") }})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Healthz(context.Background()); err == nil || err.Error() != "reading the token: no file" {
		t.Errorf("%v", err)
	}
}

func TestFingerprint(t *testing.T) {
	// printf 'argus-fleet/fingerprint/v1\0ingest\0token' | openssl dgst -sha256 -hmac pepper | cut -c1-16
	const want = "ada0280e6920c827"
	if got := Fingerprint("pepper", SurfaceIngest, "token"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if Fingerprint("pepper", SurfaceIngest, "token") == Fingerprint("pepper", SurfaceViewer, "token") {
		t.Error("the surface does not matter")
	}
	if got := Fingerprint("", SurfaceIngest, "token"); got != "" {
		t.Errorf("without a pepper: %q", got)
	}
}

// TestMetricKeys pins the nine keys, which dashboards and pages know by name.
func TestMetricKeys(t *testing.T) {
	encoded, err := json.Marshal(Metrics{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"latency_seconds":0,"shards_up":0,"guilds":0,"cached_users":0,"interactions_rate":0,"error_rate":0,"duration_p95_seconds":0,"ratelimits_rate":0,"uptime_seconds":0}`
	if string(encoded) != want {
		t.Errorf("%s, want %s", encoded, want)
	}
}
