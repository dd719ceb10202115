package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

const pythonState = `{"version": 1, "counters": {"asia": 5}, "entries": [{"identity": "a", "fleet": "asia", "number": 4, "first_seen": 1.5, "last_seen": 2.5,
"status": "up", "version": "0.4.2", "last_snapshot": null, "scrape_target": "", "lease_hash": "abc"}]}`

const exported = `{"version":1,"counters":{"asia":5},"entries":[{"identity":"a","fleet":"asia","number":4,"first_seen":1.5,"last_seen":2.5,"status":"down","version":"0.4.2","last_snapshot":null,"scrape_target":"","lease_hash":"abc"}]}` + "\n"

// do runs a command and expects a status and the beginning of what it says.
func (p *process) do(status int, stdout, stderr string, args ...string) {
	p.t.Helper()
	gotStatus, gotOut, gotErr := p.execute(args...)
	if gotStatus != status || !strings.HasPrefix(gotOut, stdout) || !strings.HasPrefix(gotErr, stderr) || (stderr == "" && gotErr != "") {
		p.t.Errorf("%s: status %d, %q and %q; want %d, %q... and %q...", strings.Join(args, " "), gotStatus, gotOut, gotErr, status, stdout, stderr)
	}
}

func TestTheStateGoesInAndOutOfAStoppedControlPlane(t *testing.T) {
	directory := t.TempDir()
	source, state := filepath.Join(directory, "python.json"), filepath.Join(directory, "state.db")
	if err := os.WriteFile(source, []byte(pythonState), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProcess(t, fleetapi.EnvFleetState+"="+state)
	p.do(1, "", "argus-fleet: say what to import", "import")
	p.do(1, "", "argus-fleet: opening the state file: ", "verify")
	python, err := store.Acquire(t.Context(), source, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p.do(75, "", "argus-fleet: another argus-fleet process holds "+source+".lock ", "import", "--from", source)
	if err := python.Release(); err != nil {
		t.Fatal(err)
	}
	p.do(0, "[ok] "+state, "", "import", "--from", source)
	p.do(1, "", "argus-fleet: state file "+state+" exists: move it away first", "import", "--from", source)
	p.do(0, exported, "", "export")
	p.do(0, "[ok] "+state, "", "import", "--skip-numbers", "10")
	p.do(0, `{"version":1,"counters":{"asia":15}`, "", "export")
	backup := filepath.Join(directory, "backup.db")
	if err := os.Rename(state, backup); err != nil {
		t.Fatal(err)
	}
	p.do(0, "[ok] "+state, "", "import", "--from", backup, "--skip-numbers", "5")
	p.do(0, `{"version":1,"counters":{"asia":20}`, "", "export")
	p.do(0, "[ok] "+state, "", "verify")
}

func TestARunningControlPlaneIsExportedOverItsPort(t *testing.T) {
	token := filepath.Join(t.TempDir(), "admin-token")
	if err := os.WriteFile(token, []byte("admin-secret, old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProcess(t, "ARGUS_FLEET_ADMIN_TOKEN_FILE="+token)
	p.startAndWait()
	register(t, p.client("ingest-secret"), "a")
	p.do(0, `{"version":1,"counters":{"asia":1},"entries":[{"identity":"a","fleet":"asia","number":1,`, "", "export", "--url", p.url, "--admin-token-file", token)
	p.do(75, "", "argus-fleet: another argus-fleet process holds ", "export")
	p.do(75, "", "argus-fleet: another argus-fleet process holds ", "verify")
	p.do(1, "", "argus-fleet: if any flags in the group [url admin-token-file] are set they must all be set", "export", "--url", p.url)
	p.do(1, "", "argus-fleet: reading the admin token: ", "export", "--url", p.url, "--admin-token-file", token+"x")
	if err := os.WriteFile(token+"2", []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.do(1, "", "argus-fleet: control plane answered 401 Unauthorized", "export", "--url", p.url, "--admin-token-file", token+"2")
	p.signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	p.do(0, `{"version":1,"counters":{"asia":1},"entries":[{"identity":"a",`, "", "export")
}
