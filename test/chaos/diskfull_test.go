//go:build node

package chaos

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/store/smalldisk"
)

func TestAFullDiskCostsRegistrationsOnly(t *testing.T) {
	disk := smalldisk.Mount(t)
	p := planeAt(t, filepath.Join(disk, "state.db"), fleetapi.EnvFleetRequireLease+"=1")
	p.start()
	c := newClient(t, p.url, ingestToken)
	known := newNumbers()
	leases := map[string]string{}
	registerMany(t, c, known, leases, "before", 50)
	filler := filepath.Join(disk, "filler")
	smalldisk.Fill(t, filler)
	refusal := registerUntilRefused(t, c, known, leases)
	if refusal.status != http.StatusServiceUnavailable {
		t.Errorf("a register on a full disk was answered with %d %s", refusal.status, refusal.body)
	}
	if seconds, err := strconv.Atoi(refusal.header.Get("Retry-After")); err != nil || seconds < 1 {
		t.Errorf("Retry-After is %q", refusal.header.Get("Retry-After"))
	}
	if text := string(refusal.body); strings.Contains(text, disk) || strings.Contains(text, "no space") {
		t.Errorf("the refusal tells too much: %s", text)
	}
	if status, word := c.ready(); status != http.StatusServiceUnavailable || word != "store" {
		t.Errorf("readiness is %d %q, want 503 store", status, word)
	}
	checkService(t, c, known, leases)
	p.kill() // a restart must not need room either
	p.start()
	c = newClient(t, p.url, ingestToken)
	checkService(t, c, known, leases)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if status, word := c.ready(); status != http.StatusOK {
			return fmt.Sprintf("readiness is %d %q", status, word)
		}
		return ""
	})
	registerMany(t, c, known, leases, "after", 10)
	p.kill()
	p.verified()
	p.start()
	checkService(t, newClient(t, p.url, ingestToken), known, leases)
}

func registerMany(t *testing.T, c *client, known *numbers, leases map[string]string, prefix string, count int) {
	t.Helper()
	for i := range count {
		identity := fmt.Sprintf("%s-%d", prefix, i)
		told := must(t, c, identity, "asia", "")
		leases[identity] = told.Lease
		if err := known.tell(identity, "asia", told.Number); err != nil {
			t.Error(err)
		}
	}
}

// registerUntilRefused fills what room the file itself has left. Each
// acknowledged registration counts; the first refusal is returned.
func registerUntilRefused(t *testing.T, c *client, known *numbers, leases map[string]string) reply {
	t.Helper()
	for i := range 2000 {
		identity := fmt.Sprintf("during-%d-%s", i, strings.Repeat("x", 100))
		told, status, err := c.register(identity, "asia", "")
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusOK {
			leases[identity] = told.Lease
			if err := known.tell(identity, "asia", told.Number); err != nil {
				t.Error(err)
			}
			continue
		}
		refused, err := c.call(http.MethodPost, fleetapi.PathRegister, fleetapi.RegisterRequest{Identity: identity, Fleet: "asia"})
		if err != nil {
			t.Fatal(err)
		}
		return refused
	}
	t.Fatal("no registration is refused on a full disk")
	return reply{}
}

// checkService wants heartbeats of all members accepted and all of them, and
// nobody else, in the view under their numbers.
func checkService(t *testing.T, c *client, known *numbers, leases map[string]string) {
	t.Helper()
	for identity, lease := range leases {
		if status, err := c.beat(identity, lease, 3); err != nil || status != http.StatusNoContent {
			t.Errorf("heartbeat of %s: %v, status %d", identity, err, status)
		}
	}
	shown := c.clusters(t)
	if len(shown) != len(leases) {
		t.Errorf("the view shows %d clusters, want %d", len(shown), len(leases))
	}
	for identity := range leases {
		cluster, listed := shown[identity]
		if !listed || cluster.Number != known.of[identity]["asia"] || cluster.Metrics.Guilds != 3 {
			t.Errorf("%s: listed %t as number %d with %v guilds, want number %d with 3", identity, listed, cluster.Number, cluster.Metrics.Guilds, known.of[identity]["asia"])
		}
	}
}
