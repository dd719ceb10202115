// Package membership runs members against the real control plane.
package membership

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
	"github.com/argus-dev/argus-operator/member"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plane is a real control plane behind a real listener.
type plane struct {
	t      *testing.T
	url    string
	client *fleetapi.Client
}

func newPlane(t *testing.T, pairs ...string) *plane {
	t.Helper()
	env := map[string]string{
		fleetapi.EnvFleetHost: "127.0.0.1", fleetapi.EnvFleetState: filepath.Join(t.TempDir(), "state.db"),
		fleetapi.EnvFleetViewCacheMillis: "0",
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	config, err := fleetserver.ConfigFromEnv(func(name string) (string, bool) { value, ok := env[name]; return value, ok }, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := fleetserver.New(t.Context(), config, fleetserver.Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	client, err := fleetapi.NewClient(listener.URL, fleetapi.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		listener.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &plane{t, listener.URL, client}
}

// cluster is what the control plane shows of an identity.
func (p *plane) cluster(identity string) fleetapi.ClusterStatus {
	p.t.Helper()
	status, err := p.client.Status(p.t.Context(), identity)
	if err != nil || len(status.Clusters) != 1 {
		p.t.Fatalf("clusters called %s: %+v, %v", identity, status.Clusters, err)
	}
	return status.Clusters[0]
}

// bot is a process with a member.
type bot struct {
	*member.Member
	stop  context.CancelFunc
	ended chan struct{}
}

// start runs a member that keeps nothing of its former life, as in a pod
// without a volume, and waits until it has beaten.
func (p *plane) start(identity, fleet string) *bot {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b := &bot{
		Member: member.New(member.Config{URL: p.url, Identity: identity, Group: fleet}, member.Options{
			Snapshot: func() (fleetapi.Snapshot, error) { return fleetapi.Snapshot{}, nil },
		}),
		stop: cancel, ended: make(chan struct{}),
	}
	before := 0
	if status, err := p.client.Status(p.t.Context(), identity); err == nil && len(status.Clusters) == 1 {
		before = status.Clusters[0].Registrations
	}
	go func() { _ = b.Run(ctx); close(b.ended) }()
	p.t.Cleanup(cancel)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		status, err := p.client.Status(p.t.Context(), identity)
		if err == nil && len(status.Clusters) == 1 && status.Clusters[0].Registrations > before && status.Clusters[0].ValuesAt != nil {
			return b
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s does not come up: %+v %v", identity, b.State(), err)
		}
	}
}

// die ends the process without a word.
func (b *bot) die() {
	b.stop()
	<-b.ended
}

// end stops the process in order.
func (b *bot) end() {
	b.die()
	b.Leave(context.Background())
}

func (p *plane) expect(when, identity, status string, number, registrations int) {
	p.t.Helper()
	got := p.cluster(identity)
	if got.Status != status || got.Number != number || got.Registrations != registrations {
		p.t.Errorf("%s: %s is %s, number %d, registered %d times; want %s, %d, %d",
			when, identity, got.Status, got.Number, got.Registrations, status, number, registrations)
	}
}

// TestARollingRestartKeepsTheNumber ends and replaces the pods of two clusters
// one by one, with a stranger that comes while one of them is away.
func TestARollingRestartKeepsTheNumber(t *testing.T) {
	for name, required := range map[string]string{"leases are issued": "0", "leases are required": "1"} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, fleetapi.EnvFleetRequireLease, required)
			first, second := p.start("mybot-0", "asia"), p.start("mybot-1", "asia")
			p.expect("at first", "mybot-0", fleetapi.StatusUp, 1, 1)
			p.expect("at first", "mybot-1", fleetapi.StatusUp, 2, 1)

			first.end()
			p.expect("at once after its end", "mybot-0", fleetapi.StatusDown, 1, 1)
			p.expect("while the other is away", "mybot-1", fleetapi.StatusUp, 2, 1)
			stranger := p.start("other", "asia")
			p.expect("a newcomer in between", "other", fleetapi.StatusUp, 3, 1)
			first = p.start("mybot-0", "asia")
			p.expect("after its return", "mybot-0", fleetapi.StatusUp, 1, 2)

			second.end()
			second = p.start("mybot-1", "asia")
			p.expect("after its return", "mybot-1", fleetapi.StatusUp, 2, 2)

			// A pod that is killed leaves nothing: the next one has to be let in
			// by the time-out where leases are required, and at once elsewhere.
			second.die()
			p.expect("killed", "mybot-1", fleetapi.StatusUp, 2, 2)
			if required == "0" {
				second = p.start("mybot-1", "asia")
				p.expect("after being killed", "mybot-1", fleetapi.StatusUp, 2, 3)
				second.end()
			}
			first.end()
			stranger.end()
		})
	}
}

// TestAnOldProcessThatLeavesLateTakesNobodyWithIt is a rollout that overlaps:
// the new process has registered before the old one says goodbye.
func TestAnOldProcessThatLeavesLateTakesNobodyWithIt(t *testing.T) {
	p := newPlane(t)
	old := p.start("mybot-0", "asia")
	replacement := p.start("mybot-0", "asia")
	old.end()
	p.expect("after the old one's end", "mybot-0", fleetapi.StatusUp, 1, 2)
	replacement.end()
	p.expect("after the new one's end", "mybot-0", fleetapi.StatusDown, 1, 2)
}

// TestALeftClusterIsUnknownUntilItRegisters shows that a beat which was under
// way does not bring a departed cluster back.
func TestALeftClusterIsUnknownUntilItRegisters(t *testing.T) {
	p := newPlane(t)
	p.start("mybot-0", "asia").end()
	err := p.client.Heartbeat(t.Context(), fleetapi.HeartbeatRequest{Identity: "mybot-0"})
	if status, ok := err.(*fleetapi.StatusError); !ok || status.Code != http.StatusNotFound { //nolint:errorlint // the client's own type
		t.Errorf("a late beat: %v, want 404", err)
	}
	p.expect("after it", "mybot-0", fleetapi.StatusDown, 1, 1)
}
