package controllers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	if r.URL.Path == fleetapi.PathConfig {
		_, _ = w.Write([]byte(`{"fleet": true, "tokens": {"ingest": [{"fingerprint": "0011"}], "viewer": []}}`))
		return
	}
	_, _ = w.Write([]byte(`{"version": "v1", "clusters_up": 1, "clusters": [{"identity": "a-0", "number": 7, "status": "up"}]}`))
}

func (p *controlPlane) change(accept string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accept = accept
}

func (p *controlPlane) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func viewerSecret(token string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "viewer"},
		Data:       map[string][]byte{"token": []byte(token + ",older")},
	}
}

// newPoller starts a poller and a control plane that it may ask.
func newPoller(t *testing.T, secrets client.Client, handler http.Handler) (*FleetPoller, FleetSource) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return startPoller(t, secrets, false), FleetSource{
		URL: server.URL, Namespace: "bots", Viewer: v1alpha1.SecretKeyRef{Name: "viewer", Key: "token"},
	}
}

// pollerAt is a poller with a clock, which reads nothing before it is started.
func pollerAt(t *testing.T, secrets client.Client, now func() time.Time, guarded bool) *FleetPoller {
	t.Helper()
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return NewFleetPoller(secrets, metrics, now, guarded)
}

func startPoller(t *testing.T, secrets client.Client, guarded bool) *FleetPoller {
	t.Helper()
	poller := pollerAt(t, secrets, time.Now, guarded)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- poller.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for poller.life() == nil {
		time.Sleep(time.Millisecond)
	}
	return poller
}

var asker = Asker{Kind: v1alpha1.KindArgusBot, NamespacedName: types.NamespacedName{Namespace: "bots", Name: "mybot"}}

// waitAnswer asks every millisecond until an answer is as wanted.
func waitAnswer(t *testing.T, poller *FleetPoller, source FleetSource, want func(FleetAnswer) bool) FleetAnswer {
	t.Helper()
	var answer FleetAnswer
	for range 5000 {
		if answer = poller.Answer(source, time.Millisecond, asker); want(answer) {
			return answer
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("the answer stays %+v", answer)
	return answer
}

func good(answer FleetAnswer) bool { return answer.Asked && answer.Err == nil }
func bad(answer FleetAnswer) bool  { return answer.Asked && answer.Err != nil }

func TestARotatedViewerTokenIsReadAgain(t *testing.T) {
	secrets := fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build()
	plane := &controlPlane{accept: "old"}
	poller, source := newPoller(t, secrets, plane)
	source.Prefix = "a-"
	if first := poller.Answer(source, time.Millisecond, asker); first.Asked {
		t.Error("the first answer was not awaited, so it cannot be known")
	}
	status := waitAnswer(t, poller, source, good).Status
	if len(status.Clusters) != 1 || status.Clusters[0].Number != 7 {
		t.Fatalf("status %+v", status)
	}
	woken := <-poller.Woken(v1alpha1.KindArgusBot)
	if woken.Object.GetName() != "mybot" || woken.Object.GetNamespace() != "bots" {
		t.Errorf("woke %s/%s", woken.Object.GetNamespace(), woken.Object.GetName())
	}

	if err := secrets.Update(t.Context(), viewerSecret("new")); err != nil {
		t.Fatal(err)
	}
	plane.change("new")
	for before := len(plane.asked()); len(plane.asked()) < before+5; time.Sleep(time.Millisecond) {
		if answer := poller.Answer(source, time.Millisecond, asker); answer.Err != nil {
			t.Fatalf("a token that was rotated shows as %v", answer.Err)
		}
	}
	plane.change("another")
	if answer := waitAnswer(t, poller, source, bad); answer.Err.Error() != "control plane answered 401 Unauthorized" {
		t.Errorf("a refused token shows as %v", answer.Err)
	}
	if got := plane.asked()[0]; got != fleetapi.PathStatus+"?prefix=a-" {
		t.Errorf("asked for %s", got)
	}
}

// While tokens rotate, the viewer token is read anew each time, for all who ask with
// the same Secret, so that the old one falls out of use before it is dropped.
func TestARotationIsReadWithTheNewestToken(t *testing.T) {
	secrets := fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build()
	plane := &controlPlane{accept: "old"}
	poller, source := newPoller(t, secrets, plane)
	waitAnswer(t, poller, source, good)
	rotating := source
	rotating.WithTokens = true
	answer := waitAnswer(t, poller, rotating, good)
	want := &fleetapi.Tokens{Ingest: []fleetapi.TokenInfo{{Fingerprint: "0011"}}, Viewer: []fleetapi.TokenInfo{}}
	if diff := cmp.Diff(want, answer.Tokens); diff != "" || answer.Status == nil || answer.At.IsZero() {
		t.Errorf("answer %+v, tokens (-want +got)\n%s", answer, diff)
	}
	if plain := waitAnswer(t, poller, source, good); plain.Tokens != nil {
		t.Errorf("tokens %+v that nobody asked for", plain.Tokens)
	}
	if err := secrets.Update(t.Context(), viewerSecret("new")); err != nil {
		t.Fatal(err)
	}
	for waited := 0; poller.token(source) != "new"; waited++ {
		if waited > 5000 {
			t.Fatal("who asks with the same Secret keeps the old token")
		}
		poller.Answer(rotating, time.Millisecond, asker)
		time.Sleep(time.Millisecond)
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
	token := map[string][]byte{"token": []byte("t0ken")}
	reply := func(code int, body string) http.HandlerFunc {
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
		"the Secret does not exist":  {fake.NewClientBuilder().Build(), reply(200, "{}"), `viewer token: Secret "viewer" does not exist`},
		"the Secret lacks the key":   {secret(nil), reply(200, "{}"), `viewer token: Secret "viewer" has no key "token", or it is empty`},
		"a redirect is not followed": {secret(token), reply(302, ""), "control plane answered 302 Found"},
		"an error of the server":     {secret(token), reply(500, "t0ken leaked"), "control plane answered 500 Internal Server Error"},
		"something else than JSON":   {secret(token), reply(200, "<html>t0ken"), "no usable answer from URL"},
		"a reply without an end":     {secret(token), reply(200, strings.Repeat(" ", 2<<20)), "no usable answer from URL"},
	} {
		t.Run(sentence, func(t *testing.T) {
			poller, source := newPoller(t, tc.secrets, tc.handler)
			source.Prefix = "a-"
			answer := waitAnswer(t, poller, source, bad)
			if got := strings.ReplaceAll(answer.Err.Error(), source.URL, "URL"); got != tc.want {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAGuardedPollerRefusesTheOperatorsOwnHost(t *testing.T) {
	secrets := fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build()
	unguarded, source := newPoller(t, secrets, &controlPlane{accept: "old"})
	waitAnswer(t, unguarded, source, good)

	plane := &controlPlane{accept: "old"}
	_, source = newPoller(t, secrets, plane)
	waitAnswer(t, startPoller(t, secrets, true), source, bad)
	if asked := plane.asked(); len(asked) > 0 {
		t.Errorf("a guarded poller asked a loopback address: %v", asked)
	}
}

// A control plane that never answers must hold up neither its askers nor others.
func TestASilentControlPlaneHoldsUpNobody(t *testing.T) {
	hang := make(chan struct{})
	secrets := fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build()
	plane := &controlPlane{accept: "old"}
	poller, quick := newPoller(t, secrets, plane)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	slow := quick
	slow.URL = server.URL
	for range 100 {
		if answer := poller.Answer(slow, time.Millisecond, asker); answer.Asked {
			t.Fatal("a control plane that hangs has answered")
		}
	}
	waitAnswer(t, poller, quick, good)
}

func TestPausesGrowWithFailuresAndWithWhatAReadTakes(t *testing.T) {
	const second = time.Second
	for sentence, tc := range map[string]struct {
		interval, took time.Duration
		failures       int
		want           time.Duration
	}{
		"a quick read":                 {2 * second, second / 100, 0, 2 * second},
		"a slow read":                  {2 * second, second / 4, 0, 5 * second},
		"a very slow read":             {2 * second, 5 * second, 0, 10 * second},
		"a slow read, asked seldom":    {15 * second, second, 0, 15 * second},
		"one, of one that is starting": {15 * second, second, 1, second},
		"the third doubles twice":      {15 * second, second, 3, 4 * second},
		"at most a minute":             {15 * second, second, 50, time.Minute},
		"a minute also of long ones":   {5 * time.Minute, second, 50, time.Minute},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := pause(tc.interval, tc.took, tc.failures); got != tc.want {
				t.Errorf("pause %s, want %s", got, tc.want)
			}
		})
	}
}

// A control plane that is slow to answer is left its rest, however often it is asked for.
func TestASlowControlPlaneIsNotHurried(t *testing.T) {
	now := time.Now()
	poller := pollerAt(t, nil, func() time.Time { return now }, true)
	source := FleetSource{URL: "http://slow"}
	poller.Answer(source, 2*time.Second, asker)
	peer := poller.peers[source]
	poller.conclude(source, peer, FleetAnswer{Asked: true, At: now.Add(-time.Second / 4), Status: &fleetapi.Status{}}, nil)
	t.Cleanup(func() { peer.alarm.Stop() })
	want := now.Add(5 * time.Second)
	for range 3 {
		poller.Answer(source, 2*time.Second, asker)
		if !peer.next.Equal(want) {
			t.Fatalf("it is read again %s after an answer that took 0.25 s, want 5 s", peer.next.Sub(now))
		}
	}
}

// How long a control plane has been failing is counted from the first failure in a row.
func TestSinceWhenAControlPlaneFails(t *testing.T) {
	now := time.Now()
	poller := pollerAt(t, nil, func() time.Time { return now }, true)
	source := FleetSource{URL: "http://dead"}
	poller.Answer(source, time.Minute, asker)
	peer := poller.peers[source]
	t.Cleanup(func() { peer.alarm.Stop() })
	for n, tc := range []struct {
		err  error
		want time.Duration
	}{{errors.New("no answer"), 0}, {errors.New("another"), 0}, {nil, -1}, {errors.New("no answer"), 3 * time.Second}} {
		at := now.Add(time.Duration(n) * time.Second)
		poller.conclude(source, peer, FleetAnswer{Asked: true, At: at, Status: &fleetapi.Status{}}, tc.err)
		since := time.Time{}
		if tc.want >= 0 {
			since = now.Add(tc.want)
		}
		if got := peer.answer.FailingSince; !got.Equal(since) {
			t.Errorf("after read %d it fails since %s, want %s", n, got, since)
		}
	}
}

func TestIdlePeersAreForgotten(t *testing.T) {
	now := time.Now()
	poller := pollerAt(t, nil, func() time.Time { return now }, true)
	one, other := FleetSource{URL: "http://one"}, FleetSource{URL: "http://other"}
	poller.Answer(one, time.Second, asker)
	poller.Answer(other, time.Second, asker)
	now = now.Add(idlePeer + time.Second)
	poller.Answer(one, time.Second, asker)
	poller.Answer(one, time.Second, asker)
	if _, kept := poller.peers[one]; !kept || len(poller.peers) != 1 {
		t.Errorf("%d control planes are remembered, want the one in use", len(poller.peers))
	}
}

// Who beats seldom asks seldom, and is not forgotten between two times of asking by
// those who ask more often.
func TestASeldomAskerIsNotForgotten(t *testing.T) {
	now := time.Now()
	poller := pollerAt(t, nil, func() time.Time { return now }, true)
	source, often := FleetSource{URL: "http://one"}, asker
	often.Name = "often"
	const interval = 5 * time.Minute
	poller.Answer(source, interval, asker)
	for passed := time.Duration(0); passed < quietIntervals*interval; passed += time.Minute {
		now = now.Add(time.Minute)
		poller.Answer(source, interval, often)
		if _, known := poller.peers[source].askers[asker.who()]; !known {
			t.Fatalf("it is forgotten after %s, and asks once in %s", passed+time.Minute, quietIntervals*interval)
		}
	}
}
