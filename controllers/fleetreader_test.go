package controllers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// controlPlane answers like one that accepts a single viewer token.
type controlPlane struct {
	mu     sync.Mutex
	accept string
	seen   []string
}

func (p *controlPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r.URL.RequestURI())
	if r.Header.Get("Authorization") != "Bearer "+p.accept {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = w.Write([]byte(`{"version": "v1", "clusters_up": 1, "clusters": [{"identity": "a-0", "number": 7, "status": "up"}]}`))
}

func viewerSecret(token string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "viewer"},
		Data:       map[string][]byte{"token": []byte(token + ",older")},
	}
}

func newReader(t *testing.T, secrets client.Client, handler http.Handler) (*HTTPFleetReader, FleetSource) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return NewHTTPFleetReader(secrets, false), FleetSource{
		URL: server.URL, Namespace: "bots", Viewer: v1alpha1.SecretKeyRef{Name: "viewer", Key: "token"},
	}
}

func TestARotatedViewerTokenIsReadAgain(t *testing.T) {
	secrets := fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build()
	plane := &controlPlane{accept: "old"}
	reader, source := newReader(t, secrets, plane)
	status, err := reader.Status(t.Context(), source, "a-")
	if err != nil || len(status.Clusters) != 1 || status.Clusters[0].Number != 7 {
		t.Fatalf("status %+v, error %v", status, err)
	}
	if got := plane.seen[0]; got != fleetapi.PathStatus+"?prefix=a-" {
		t.Errorf("asked for %s", got)
	}

	plane.accept = "new"
	if err := secrets.Update(t.Context(), viewerSecret("new")); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Summary(t.Context(), source); err == nil || !strings.Contains(err.Error(), "401") {
		t.Fatalf("the first call with the old token: %v, want a 401", err)
	}
	if _, err := reader.Summary(t.Context(), source); err != nil {
		t.Errorf("the new token was not picked up: %v", err)
	}
}

// What a condition shows of a failure stays the same from one try to the next and
// tells no address, body or token.
func TestFailuresAreStableAndTellNoSecret(t *testing.T) {
	secret := func(data map[string][]byte) client.Client {
		return fake.NewClientBuilder().WithObjects(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "viewer"}, Data: data,
		}).Build()
	}
	good := map[string][]byte{"token": []byte("t0ken")}
	answer := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://169.254.169.254/")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	for sentence, tc := range map[string]struct {
		secrets client.Client
		handler http.Handler
		want    string
	}{
		"the Secret does not exist":  {fake.NewClientBuilder().Build(), answer(200, "{}"), `viewer token: Secret "viewer" does not exist`},
		"the Secret lacks the key":   {secret(nil), answer(200, "{}"), `viewer token: Secret "viewer" has no key "token", or it is empty`},
		"a redirect is not followed": {secret(good), answer(302, ""), "control plane answered 302 Found"},
		"an error of the server":     {secret(good), answer(500, "t0ken leaked"), "control plane answered 500 Internal Server Error"},
		"something else than JSON":   {secret(good), answer(200, "<html>t0ken"), "no usable answer from URL"},
		"a reply without an end":     {secret(good), answer(200, strings.Repeat(" ", 2<<20)), "no usable answer from URL"},
	} {
		t.Run(sentence, func(t *testing.T) {
			reader, source := newReader(t, tc.secrets, tc.handler)
			_, err := reader.Summary(t.Context(), source)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), source.URL, "URL"); got != tc.want {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAGuardedReaderRefusesTheOperatorsOwnHost(t *testing.T) {
	plane := &controlPlane{accept: "old"}
	unguarded, source := newReader(t, fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build(), plane)
	if _, err := unguarded.Summary(t.Context(), source); err != nil {
		t.Fatalf("the control plane does not answer at all: %v", err)
	}
	guarded := NewHTTPFleetReader(unguarded.secrets, true)
	if _, err := guarded.Summary(t.Context(), source); err == nil {
		t.Error("a guarded reader asked a loopback address")
	}
	if len(plane.seen) != 1 {
		t.Errorf("the control plane was asked %d times, want once", len(plane.seen))
	}
}

func TestIdlePeersAreForgotten(t *testing.T) {
	plane := &controlPlane{accept: "old"}
	reader, source := newReader(t, fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build(), plane)
	now := time.Now()
	reader.now = func() time.Time { return now }
	other := source
	other.Viewer.Key = "another"
	for _, s := range []FleetSource{source, other} {
		_, _ = reader.Summary(t.Context(), s)
	}
	now = now.Add(idlePeer + time.Second)
	_, _ = reader.Summary(t.Context(), source)
	if len(reader.peers) != 1 {
		t.Errorf("%d peers are kept, want the one in use", len(reader.peers))
	}
}

func TestObservationsWaitForTenMinutesAndOnePercent(t *testing.T) {
	start := time.Now()
	for sentence, tc := range map[string]struct {
		before, now int64
		after       time.Duration
		want        bool
	}{
		"a small change never":         {1000, 1010, time.Hour, false},
		"a large change too soon":      {1000, 2000, 9 * time.Minute, false},
		"a large change in time":       {1000, 1011, 10 * time.Minute, true},
		"a large loss in time":         {1000, 900, 10 * time.Minute, true},
		"the first guild in time":      {0, 1, 10 * time.Minute, true},
		"no change":                    {1000, 1000, time.Hour, false},
		"the last guild that was left": {1, 0, 10 * time.Minute, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			var o observations
			o.note("uid", start)
			if got := o.due("uid", tc.before, tc.now, start.Add(tc.after)); got != tc.want {
				t.Errorf("due = %v, want %v", got, tc.want)
			}
		})
	}
}
