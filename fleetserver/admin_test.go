package fleetserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

func TestAdministering(t *testing.T) {
	const del = "DELETE"
	newPlane(t).play([]step{
		{"a registers", post, "/fleet/register", "ingest", `{"identity": "a b", "fleet": "asia"}`, 200, "..."},
		{"b registers", post, "/fleet/register", "ingest", `{"identity": "b", "fleet": "asia"}`, 200, "..."},
		{"as a viewer", del, "/api/admin/cluster?identity=b", "viewer", "", 401, "unauthorized\n"},
		{"by the query", del, "/api/admin/cluster?identity=b&token=admin-secret", "", "", 401, "unauthorized\n"},
		{"as GET", get, "/api/admin/cluster?identity=b", "admin", "", 405, "method not allowed\n"},
		{"nobody", del, "/api/admin/cluster", "admin", "", 400, "identity required\n"},
		{"a stranger", del, "/api/admin/cluster?identity=x", "admin", "", 404, "unknown identity\n"},
		{"one that lives", del, "/api/admin/cluster?identity=a+b", "admin", "", 409, "cluster is up\n"},
		{"by force", del, "/api/admin/cluster?identity=a+b&force=1", "admin", "", 204, ""},
		{"it is gone", get, "/api/fleet/view", "viewer", "", 200, `..."clusters_up":1,"clusters_total":1`},
		{"its beats are a stranger's", post, "/fleet/heartbeat", "ingest", `{"identity": "a b"}`, 404, "unknown identity\n"},
		{"again", del, "/api/admin/cluster?identity=a+b&force=1", "admin", "", 404, "unknown identity\n"},
		{"it returns with its number", post, "/fleet/register", "ingest", `{"identity": "a b", "fleet": "asia"}`, 200, `...{"number":1,`},
		{"purged", del, "/api/admin/cluster?identity=a+b&force=1&purge=1", "admin", "", 204, ""},
		{"it returns as a newcomer", post, "/fleet/register", "ingest", `{"identity": "a b", "fleet": "asia"}`, 200, `...{"number":3,`},
		{"export needs a format", get, "/api/admin/export", "admin", "", 400, "format must be v1\n"},
		{"export", get, "/api/admin/export?format=v1", "admin", "", 200, `...{"version":1,"counters":{"asia":3},"entries":[{"identity":"a b","fleet":"asia","number":3,`},
	})
}

func TestWithoutAnAdminTokenThereAreNoAdminPaths(t *testing.T) {
	newPlane(t, "ARGUS_FLEET_ADMIN_TOKEN", "").play([]step{
		{"nobody", "DELETE", "/api/admin/cluster?identity=a", "", "", 401, "unauthorized\n"},
		{"admin", "DELETE", "/api/admin/cluster?identity=a", "admin", "", 401, "unauthorized\n"},
		{"viewer", "DELETE", "/api/admin/cluster?identity=a", "viewer", "", 404, "not found\n"},
	})
}

func TestResettingALeaseLetsTheNextProcessIn(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_REQUIRE_LEASE", "1")
	lease := p.join("a", "asia").Lease
	p.play([]step{
		{"the first one", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "lease": "` + lease + `"}`, 204, ""},
		{"a second process", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`, 409, "..."},
		{"reset", post, "/api/admin/cluster/reset-lease?identity=a", "admin", "", 204, ""},
		{"a stranger", post, "/api/admin/cluster/reset-lease?identity=x", "admin", "", 404, "unknown identity\n"},
		{"the second process", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`, 200, `...{"number":1,`},
		{"the first one from then on", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "lease": "` + lease + `"}`, 409, "..."},
	})
}

func TestABackupIsAStateThatOpens(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.join("b", "asia")
	p.clock.advance(10 * time.Second)
	p.beat("b", "", "")
	got := p.ask(get, fleetapi.PathAdminBackup, "admin", "")
	if got.status != 200 || !strings.Contains(got.header.Get("Content-Disposition"), "argus-fleet-state.db") {
		t.Fatalf("%d %v", got.status, got.header)
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(path, []byte(got.body), 0o600); err != nil {
		t.Fatal(err)
	}
	state, err := store.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Records) != 2 || !state.LastSeen["b"].At.Equal(p.clock.now()) {
		t.Errorf("%d records, b last seen %v", len(state.Records), state.LastSeen["b"])
	}
	left, err := filepath.Glob(p.server.config.StatePath + ".snapshot-*")
	if err != nil || len(left) != 0 {
		t.Errorf("copies left behind: %v %v", left, err)
	}
}

func TestEvents(t *testing.T) {
	p := newPlane(t)
	lease := p.join("a", "asia").Lease
	p.join("a", "asia")
	p.register(`{"identity": "a", "fleet": "europe"}`)
	p.clock.advance(time.Minute)
	p.server.sweep(t.Context())
	p.beat("a", "x", "")
	p.beat("a", "y", "")
	p.beat("a", "x", "")
	if got := p.leave("a", lease); got.status != 409 {
		t.Fatalf("an old lease left: %d", got.status)
	}
	p.leave("a", p.register(`{"identity": "a", "fleet": "europe"}`).Lease)
	p.ask("DELETE", "/api/admin/cluster?identity=a", "admin", "")
	var got fleetapi.Events
	p.get(fleetapi.PathEvents, &got)
	var told []string
	for _, e := range got.Events {
		told = append(told, fmt.Sprint(e.Kind, " ", e.Identity, " ", e.Fleet, " ", e.Number))
	}
	want := []string{
		"joined a asia 1", "restarted a asia 1", "moved a europe 1", "down a europe 1", "up a europe 1", "conflict a europe 1",
		"restarted a europe 1", "left a europe 1", "retired a europe 1",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !strings.Contains(p.ask(get, "/metrics", "viewer", "").body, "argus_fleet_identity_conflicts_total 1\n") {
		t.Error("the conflict is not counted")
	}
}

func TestOnlyTheLatestEventsAreKept(t *testing.T) {
	l := newEventLog(newClock().now)
	for i := range maxEvents + 7 {
		l.add(fleetapi.EventUp, "a", "asia", i)
	}
	got := l.latest()
	if len(got) != maxEvents || got[0].Number != 7 || got[maxEvents-1].Number != maxEvents+6 {
		t.Errorf("%d events from %d to %d", len(got), got[0].Number, got[len(got)-1].Number)
	}
}

const pythonState = `{"version": 1, "counters": {"asia": 5}, "entries": [{"identity": "a", "fleet": "asia", "number": 4, "first_seen": 1.5, "last_seen": 2.5,
"status": "up", "version": "0.4.2", "last_snapshot": {"x": NaN}, "scrape_target": "", "lease_hash": ""}]}`

func TestAPythonControlPlanesStateIsTakenOver(t *testing.T) {
	check := func(t *testing.T, config Config) {
		t.Helper()
		p := startPlane(t, config, newClock())
		if got := p.join("a", "asia").Number; got != 4 {
			t.Errorf("a has number %d, want 4", got)
		}
		if got := p.join("b", "asia").Number; got != 6 {
			t.Errorf("b has number %d, want 6", got)
		}
		if !strings.Contains(p.logs.String(), "imported the state of a Python control plane") {
			t.Error("the import is not told")
		}
	}
	t.Run("at the configured path", func(t *testing.T) {
		config := configOf(t, "ARGUS_FLEET_STATE", filepath.Join(t.TempDir(), "argus-fleet-state.json"))
		if err := os.WriteFile(config.StatePath, []byte(pythonState), 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, config)
	})
	t.Run("at its default path, when none is configured", func(t *testing.T) {
		directory := t.TempDir()
		t.Chdir(directory)
		if err := os.WriteFile("argus-fleet-state.json", []byte(pythonState), 0o600); err != nil {
			t.Fatal(err)
		}
		config := configOf(t, "ARGUS_FLEET_STATE", "")
		check(t, config)
		if _, err := os.Stat("argus-fleet-state.db"); err != nil {
			t.Error(err)
		}
	})
}
