package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

const (
	// A world is killed so often while it imports the state of a Python control
	// plane, and so often under traffic.
	importKills  = 3
	trafficKills = 7
	// One that serves TLS is killed only so often under traffic.
	trafficKillsTLS = 4

	workers          = 8
	membersOfWorker  = 8
	importedOfWorker = 3
	importedAtRest   = 300

	longestImport  = 150 * time.Millisecond
	longestTraffic = 150 * time.Millisecond
	// Handshakes take a part of it.
	longestTrafficTLS = time.Second
)

func TestKilledAtAnyMomentNothingThatWasToldIsLost(t *testing.T) {
	t.Parallel()
	s := seed(t)
	for number := range worlds {
		required := number%2 == 0
		t.Run(fmt.Sprintf("world %d, leases required %t", number, required), func(t *testing.T) {
			t.Parallel()
			newWorld(t, s, uint64(number), required).live()
		})
	}
}

func TestKilledWhileItServesTLSNothingThatWasToldIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, seed(t), worlds, true)
	w.plane.serveTLS()
	w.importKills, w.trafficKills, w.longestTraffic = 0, trafficKillsTLS, longestTrafficTLS
	w.live()
}

// world is one state file with everything that was told about it.
type world struct {
	t        *testing.T
	plane    *plane
	known    *numbers
	seed     uint64
	number   uint64
	required bool
	original []byte

	importKills, trafficKills int
	longestTraffic            time.Duration

	members []*member   // all
	shares  [][]*member // those of each worker
	done    tally
}

func newWorld(t *testing.T, seed, number uint64, required bool) *world {
	t.Helper()
	w := &world{t: t, known: newNumbers(), seed: seed, number: number, required: required, importKills: importKills, trafficKills: trafficKills, longestTraffic: longestTraffic}
	w.plane = newPlane(t, fmt.Sprintf("%s=%t", fleetapi.EnvFleetRequireLease, required), fleetapi.EnvFleetHeartbeatInterval+"=600")
	for worker := range workers {
		var share []*member
		for i := range membersOfWorker {
			m := &member{identity: fmt.Sprintf("bot-%d-%d", worker, i)}
			if i < importedOfWorker {
				w.imported(m)
			}
			share = append(share, m)
		}
		w.shares = append(w.shares, share)
		w.members = append(w.members, share...)
	}
	for i := range importedAtRest {
		m := &member{identity: fmt.Sprintf("rest-%d", i)}
		w.imported(m)
		w.members = append(w.members, m)
	}
	w.original = w.v1()
	if err := os.WriteFile(w.plane.state, w.original, 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// imported makes a member one that a Python control plane knew.
func (w *world) imported(m *member) {
	m.standing, m.fleet, m.lease = registered, fleets()[len(w.known.of)%len(fleets())], "lease-of-"+m.identity
	if err := w.known.tell(m.identity, m.fleet, len(w.known.of)/len(fleets())+1); err != nil {
		w.t.Fatal(err)
	}
}

// v1 is the state file of that Python control plane.
func (w *world) v1() []byte {
	counters, entries := map[string]int{}, []map[string]any{}
	now := float64(time.Now().Unix())
	for identity, numbers := range w.known.of {
		for fleet, number := range numbers {
			counters[fleet] = max(counters[fleet], number)
			entries = append(entries, map[string]any{
				"identity": identity, "fleet": fleet, "number": number, "first_seen": now - 1000, "last_seen": now, "status": "up",
				"version": "0.4.2", "last_snapshot": nil, "scrape_target": "",
				"lease_hash": registry.Digest([]byte(pepper), "lease-of-"+identity),
			})
		}
	}
	encoded, err := json.Marshal(map[string]any{"version": 1, "counters": counters, "entries": entries})
	if err != nil {
		w.t.Fatal(err)
	}
	return encoded
}

func (w *world) live() {
	roll := dice(w.seed, w.number)
	for range w.importKills {
		w.killWhileImporting(roll)
	}
	rounds := 0
	for ; rounds < w.trafficKills || !w.done.all() && rounds < 10*w.trafficKills; rounds++ { // on a slow disk little is done in each
		w.restart()
		w.killUnderTraffic(uint64(rounds), roll)
	}
	w.restart()
	w.plane.stop()
	w.plane.verified()
	w.restart()
	w.plane.kill()
	w.t.Logf("%d kills; %s", w.importKills+rounds, &w.done)
	if !w.done.all() {
		w.t.Errorf("the test did not try what it is for: %s", &w.done)
	}
}

// killWhileImporting kills the process some time after its start. The state
// file is then one whole file or the other.
func (w *world) killWhileImporting(roll *rand.Rand) {
	w.t.Helper()
	w.plane.launch()
	time.Sleep(time.Duration(roll.Int64N(int64(longestImport))))
	w.plane.kill()
	old, err := store.IsV1(w.plane.state)
	if err != nil {
		w.t.Fatal(err)
	}
	if !old {
		w.plane.verified()
		return
	}
	if content, err := os.ReadFile(w.plane.state); err != nil || !bytes.Equal(content, w.original) {
		w.t.Fatalf("killed while it imports, the original has changed (%v)", err)
	}
}

// restart starts the process, compares what it shows with the model, and has
// every member settle what the last kill left open.
func (w *world) restart() {
	w.t.Helper()
	w.plane.start()
	all := w.traffic()
	if wrong := contradiction(w.known, w.members, all.client.clusters(w.t)); len(wrong) > 0 {
		w.t.Fatalf("after a restart:\n%v", errors.Join(wrong...))
	}
	w.together(func(worker int) error {
		for _, m := range w.shares[worker] {
			if err := all.settle(m); err != nil {
				return fmt.Errorf("settling %s: %w", m.identity, err)
			}
			if m.open != nothing {
				return fmt.Errorf("settling %s: the reply is lost", m.identity)
			}
		}
		return nil
	})
}

// killUnderTraffic kills the process while all workers are at it.
func (w *world) killUnderTraffic(round uint64, roll *rand.Rand) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all := w.traffic()
	var killed sync.WaitGroup
	killed.Go(func() {
		time.Sleep(time.Duration(roll.Int64N(int64(w.longestTraffic))))
		w.plane.kill()
		cancel()
	})
	w.together(func(worker int) error {
		return all.work(ctx, w.shares[worker], dice(w.seed, w.number, round, uint64(worker)))
	})
	killed.Wait()
	w.plane.verified()
}

func (w *world) traffic() *traffic {
	return &traffic{client: w.plane.client(ingestToken), known: w.known, required: w.required, done: &w.done}
}

// together runs do for every worker and ends the test with what went wrong.
func (w *world) together(do func(worker int) error) {
	w.t.Helper()
	wrong := make([]error, workers)
	var working sync.WaitGroup
	for worker := range workers {
		working.Go(func() {
			if err := do(worker); err != nil {
				wrong[worker] = errors.New("worker " + strconv.Itoa(worker) + ": " + err.Error())
			}
		})
	}
	working.Wait()
	if err := errors.Join(wrong...); err != nil {
		w.plane.kill()
		w.t.Fatalf("%v\nthe process said:\n%s", err, w.plane.log)
	}
}
