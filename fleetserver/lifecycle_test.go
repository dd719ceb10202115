package fleetserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

func TestAReopenedStateKnowsEverybody(t *testing.T) {
	config, c := configOf(t, "ARGUS_FLEET_REQUIRE_LEASE", "1"), newClock()
	leases := map[string]string{}
	t.Run("before", func(t *testing.T) {
		p := startPlane(t, config, c)
		for _, identity := range []string{"a", "b", "dead"} {
			leases[identity] = p.join(identity, "asia").Lease
		}
		c.advance(time.Minute)
		for _, identity := range []string{"a", "b"} {
			if got := p.beat(identity, leases[identity], ""); got.status != 204 {
				t.Fatalf("%s: %d %s", identity, got.status, got.body)
			}
		}
	})
	c.advance(time.Hour)
	p := startPlane(t, config, c)
	statuses := map[string]string{}
	for _, cluster := range p.view().Fleets[0].Clusters {
		statuses[cluster.Identity] = fmt.Sprint(cluster.Number, cluster.Status)
	}
	if got := fmt.Sprint(statuses); got != "map[a:1up b:2up dead:3down]" {
		t.Errorf("after an hour without a control plane: %v", got)
	}
	if got := p.beat("a", "wrong", ""); got.status != 409 {
		t.Errorf("a wrong lease: %d, want 409", got.status)
	}
	if got := p.beat("a", leases["a"], ""); got.status != 204 {
		t.Errorf("the lease from before: %d %s", got.status, got.body)
	}
	if got := p.join("c", "asia").Number; got != 4 {
		t.Errorf("the next number is %d, want 4", got)
	}
}

func TestValuesAreShownAgainAfterAnOrderlyStop(t *testing.T) {
	config, c := configOf(t), newClock()
	var before fleetapi.View
	t.Run("before", func(t *testing.T) {
		p := startPlane(t, config, c)
		p.join("a", "asia")
		p.join("b", "asia")
		p.beat("a", "", `{"metrics": {"x": {"samples": [{"name": "discord_shard_up", "labels": {"shard": "0"}, "value": 1}, {"name": "discord_guilds", "labels": {}, "value": 7}]}}}`)
		before = p.view()
	})
	p := startPlane(t, config, c)
	if diff := cmp.Diff(before, p.view()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	p.join("a", "asia")
	if got := p.view().Fleets[0].Clusters[0]; got.ValuesAt != nil {
		t.Error("a register does not clear restored values")
	}
}

func TestNewRefusesAStateInUseAndLeavesItAlone(t *testing.T) {
	config := configOf(t)
	startPlane(t, config, newClock())
	_, err := New(context.Background(), config, Deps{Logger: slog.New(slog.DiscardHandler)})
	if _, ok := errors.AsType[*store.LockedError](err); !ok {
		t.Errorf("%v, want a LockedError", err)
	}
}

func TestARefusedStateFileReleasesTheLock(t *testing.T) {
	config := configOf(t)
	if err := os.WriteFile(config.StatePath, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(context.Background(), config, Deps{Logger: slog.New(slog.DiscardHandler)})
	if _, ok := errors.AsType[*store.FileError](err); !ok {
		t.Fatalf("%v, want a FileError", err)
	}
	if err := os.Remove(config.StatePath); err != nil {
		t.Fatal(err)
	}
	startPlane(t, config, newClock())
}

// running is a control plane in Run.
type running struct {
	*plane
	stop  context.CancelFunc
	ended chan error
}

func startRunning(t *testing.T, config Config, change ...func(*Server)) *running {
	t.Helper()
	return startRunningWith(t, config, Deps{}, change...)
}

func startRunningWith(t *testing.T, config Config, deps Deps, change ...func(*Server)) *running {
	t.Helper()
	r := &running{plane: &plane{t: t, clock: newClock(), logs: &logBuffer{}}, ended: make(chan error, 1)}
	address := make(chan string, 1)
	deps.Logger = slog.New(slog.NewTextHandler(r.logs, nil))
	deps.Listen = func(ctx context.Context, network, at string) (net.Listener, error) {
		listener, err := (&net.ListenConfig{}).Listen(ctx, network, at)
		if err == nil {
			address <- listener.Addr().String()
		}
		return listener, err
	}
	server, err := New(context.Background(), config, deps)
	if err != nil {
		t.Fatal(err)
	}
	r.server = server
	for _, apply := range change {
		apply(server)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.ended <- server.Run(ctx) }()
	scheme := "http://"
	if config.TLS() {
		scheme = "https://"
	}
	r.url = scheme + <-address
	t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

func TestRunServesSweepsAndEndsInOrder(t *testing.T) {
	config := configOf(t, "ARGUS_FLEET_HEARTBEAT_INTERVAL", "1", "ARGUS_FLEET_TTL_FACTOR", "1")
	r := startRunning(t, config)
	r.join("a", "asia")
	r.beat("a", "", snapshot(map[string]float64{"guilds": 9}))
	if got := r.view().Fleets[0].Clusters[0].Metrics.Guilds; got != 9 {
		t.Errorf("%v guilds, want 9", got)
	}
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(r.logs.String(), `msg="cluster is down" identity=a`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the sweeper does not tell that the cluster is down: %s", r.logs)
		}
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("the end: %v", err)
	}
	if connection, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")); err == nil {
		connection.Close()
		t.Error("it still listens")
	}
	startPlane(t, config, newClock()) // the lock is free
}

func TestRunEndsWhenItCannotListen(t *testing.T) {
	config := configOf(t)
	server, err := New(context.Background(), config, Deps{
		Logger: slog.New(slog.DiscardHandler),
		Listen: func(context.Context, string, string) (net.Listener, error) { return nil, errors.New("port is taken") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Run(context.Background()); err == nil || err.Error() != "listening on 127.0.0.1:0: port is taken" {
		t.Errorf("%v", err)
	}
	startPlane(t, config, newClock())
}

func TestRetentionRetiresAndKeepsTheNumber(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_RETENTION_DAYS", "1", "ARGUS_FLEET_AUDIT_LOG", "1")
	p.join("a", "asia")
	p.join("b", "asia")
	p.clock.advance(25 * time.Hour)
	p.disk.full.Store(true)
	p.server.sweep(context.Background())
	p.disk.full.Store(false)
	p.server.sweep(context.Background())
	for _, line := range []string{
		`msg=audit event=retention identity=a outcome=denied:store`,
		`msg=audit event=retention identity=a outcome=ok`, `msg=audit event=retention identity=b outcome=ok`,
	} {
		if strings.Count(p.logs.String(), line) != 1 {
			t.Errorf("the log does not hold once %q:\n%s", line, p.logs)
		}
	}
	if fleets := p.view().Fleets; len(fleets) != 0 {
		t.Errorf("still listed: %+v", fleets)
	}
	if got := p.join("c", "asia").Number; got != 3 {
		t.Errorf("a newcomer has number %d, want 3", got)
	}
	if got := p.join("b", "asia").Number; got != 2 {
		t.Errorf("the returned one has number %d, want 2", got)
	}
}

func TestReadinessSaysInOneWordWhatIsWrong(t *testing.T) {
	p := newPlane(t)
	ready := func(status int, want string) {
		t.Helper()
		if got := p.ask(get, fleetapi.PathReadyz, "", ""); got.status != status || got.body != want {
			t.Errorf("%d %q, want %d %q", got.status, got.body, status, want)
		}
	}
	ready(200, "ready\n")
	p.server.noteSweep()
	p.clock.advance(46 * time.Second)
	ready(200, "ready\n")
	p.clock.advance(time.Second)
	ready(503, "sweeper\n")
}

func TestManyRegisterAtOnce(t *testing.T) {
	const bots = 500
	p := newPlane(t, "ARGUS_FLEET_REGISTER_BURST", "10000")
	numbers := make(chan int, 2*bots)
	var all sync.WaitGroup
	for i := range bots {
		for range 2 { // every identity twice, at the same time
			all.Go(func() { numbers <- p.join(fmt.Sprintf("bot-%d", i), "asia").Number })
		}
	}
	all.Wait()
	close(numbers)
	times := map[int]int{}
	for n := range numbers {
		times[n]++
	}
	if len(times) != bots {
		t.Errorf("%d numbers for %d identities", len(times), bots)
	}
	for n, count := range times {
		if count != 2 || n < 1 || n > bots {
			t.Errorf("number %d was given %d times, want twice", n, count)
		}
	}
}

// TestAnErrorOfTheDiskItselfEndsTheProcess: only a restart knows what is there.
func TestAnErrorOfTheDiskItselfEndsTheProcess(t *testing.T) {
	broken := &fs.PathError{Op: "fdatasync", Path: "state.db", Err: syscall.EIO}
	var fails atomic.Bool
	config := configOf(t)
	r := startRunningWith(t, config, Deps{beforeCommit: func() error {
		if fails.Load() {
			return broken
		}
		return nil
	}})
	r.join("a", "asia")
	fails.Store(true)
	response, err := http.Post(r.url+fleetapi.PathRegister+"?token="+tokens["ingest"], "", strings.NewReader(`{"identity": "b"}`))
	if err == nil { // else the process was gone before it could answer
		defer response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a register meanwhile: %s", response.Status)
		}
	}
	err = <-r.ended
	if !errors.Is(err, syscall.EIO) || strings.Contains(strings.SplitN(err.Error(), "\n", 2)[0], "panic") {
		t.Errorf("it ends with %v", err)
	}
	fails.Store(false)
	p := startPlane(t, config, newClock())
	if fleets := p.view().Fleets; len(fleets) != 1 || len(fleets[0].Clusters) != 1 {
		t.Errorf("the restart finds %+v, want what was acknowledged", fleets)
	}
}
