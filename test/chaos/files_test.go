package chaos

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// populated is the content of a state file that a control plane with members
// has left behind.
func populated(t *testing.T) []byte {
	t.Helper()
	p := newPlane(t)
	p.start()
	c := newClient(t, p.url, ingestToken)
	for i := range 50 {
		must(t, c, fmt.Sprintf("bot-%d", i), "asia", "")
	}
	p.stop()
	content, err := os.ReadFile(p.state)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// used is how many bytes of a bbolt file hold something: the high-water mark of
// the newer of its two meta pages.
func used(content []byte) int {
	const header, offPageSize, offHighWater, offTransaction = 16, 8, 40, 48
	size := int(binary.NativeEndian.Uint32(content[header+offPageSize:]))
	newest := content[header:]
	if second := content[size+header:]; binary.NativeEndian.Uint64(second[offTransaction:]) > binary.NativeEndian.Uint64(newest[offTransaction:]) {
		newest = second
	}
	return size * int(binary.NativeEndian.Uint64(newest[offHighWater:]))
}

func TestAStateFileThatIsNotWholeIsRefusedByNameAndLeftAlone(t *testing.T) {
	t.Parallel()
	whole := populated(t)
	const v1 = `{"version": 1, "counters": {"asia": 1}, "entries": [{"identity": "a", "fleet": "asia", "number": 1, "first_seen": 1.5, "last_seen": 2.5,` +
		` "status": "up", "version": "", "last_snapshot": null, "scrape_target": "", "lease_hash": ""}]}`
	for name, content := range map[string][]byte{
		"empty":                             {},
		"cut in the first page":             whole[:1000],
		"one byte short":                    whole[:used(whole)-1],
		"zeros":                             make([]byte, len(whole)),
		"text":                              []byte(strings.Repeat("not a database\n", 1000)),
		"the JSON with its tail cut off":    []byte(v1[:len(v1)-20]),
		"the JSON of a version to come":     []byte(strings.Replace(v1, `"version": 1`, `"version": 99`, 1)),
		"the JSON with half of its entries": []byte(v1[:len(v1)/2]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t)
			if err := os.WriteFile(p.state, content, 0o600); err != nil {
				t.Fatal(err)
			}
			p.launch()
			p.wait(1)
			if line := p.log.lastLine(); !strings.HasPrefix(line, "argus-fleet: ") || !strings.Contains(line, p.state) {
				t.Errorf("the last line does not name the file: %s", line)
			}
			if after, err := os.ReadFile(p.state); err != nil || !bytes.Equal(after, content) {
				t.Errorf("the file was touched (%v)", err)
			}
			for _, other := range beside(t, p.state) {
				if other != filepath.Base(p.state)+".lock" {
					t.Errorf("%s was left behind", other)
				}
			}
		})
	}
}

// beside lists the files in the directory of a file, without it.
func beside(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != filepath.Base(path) {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestASecondControlPlaneLeavesAndTheFirstGoesOn(t *testing.T) {
	t.Parallel()
	first := newPlane(t)
	first.start()
	second := planeAt(t, first.state)
	began := time.Now()
	second.launch()
	second.wait(fleetapi.ExitStateLocked)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it left after %s, want 5 s at most", took)
	}
	want := fmt.Sprintf("argus-fleet: another argus-fleet process holds %s.lock (pid %d, ", first.state, first.cmd.Process.Pid)
	if line := second.log.lastLine(); !strings.HasPrefix(line, want) || !strings.HasSuffix(line, "; run a single control plane per state file") {
		t.Errorf("its last line is %q, want %q...", line, want)
	}
	must(t, newClient(t, first.url, ingestToken), "a", "asia", "")
	first.kill()
	second.start() // the lock of a killed holder is free
	if got := newClient(t, second.url, viewerToken).clusters(t)["a"].Number; got != 1 {
		t.Errorf("the second one knows number %d, want 1", got)
	}
}

// A Python control plane on the same state file holds nothing but the flock.
func TestAForeignHolderOfTheLockIsRespected(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	holder, err := os.OpenFile(p.state+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if err := syscall.Flock(int(holder.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p.launch()
	p.wait(fleetapi.ExitStateLocked)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it left after %s, want 5 s at most", took)
	}
	if line := p.log.lastLine(); !strings.Contains(line, p.state+".lock (pid unknown)") {
		t.Errorf("its last line is %q", line)
	}
	if _, err := os.Stat(p.state); !os.IsNotExist(err) {
		t.Errorf("it has made a state file: %v", err)
	}
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	p.start()
}

func TestABackupThatIsRestoredKnowsNumbersAndLeases(t *testing.T) {
	t.Parallel()
	p := newPlane(t, fleetapi.EnvFleetRequireLease+"=1")
	p.start()
	c := newClient(t, p.url, ingestToken)
	leases := map[string]string{}
	for i := range 20 {
		identity := fmt.Sprintf("bot-%d", i)
		leases[identity] = must(t, c, identity, "asia", "").Lease
	}
	before := c.clusters(t)
	backup := download(t, c)
	for i := range 5 { // what the backup does not know
		must(t, c, fmt.Sprintf("late-%d", i), "asia", "")
	}
	p.kill()
	if printed, err := p.tool("import", "--from", backup); err == nil || !strings.Contains(printed, "move it away") {
		t.Errorf("an import over a state file that is there: %v\n%s", err, printed)
	}
	restored := newPlane(t, fleetapi.EnvFleetRequireLease+"=1")
	if printed, err := restored.tool("import", "--from", backup, "--skip-numbers", "100"); err != nil {
		t.Fatalf("import: %v\n%s", err, printed)
	}
	restored.start()
	c = newClient(t, restored.url, ingestToken)
	after := c.clusters(t)
	if len(after) != len(before) {
		t.Errorf("%d clusters after the restore, want %d", len(after), len(before))
	}
	checkNumbersAndLeases(t, c, before, leases)
	if number := must(t, c, "new", "asia", "").Number; number != 121 {
		t.Errorf("the next number is %d, want 121: those after the backup are skipped", number)
	}
}

// download takes a backup and returns the path of its file.
func download(t *testing.T, c *client) string {
	t.Helper()
	got, err := c.as(adminToken).call(http.MethodGet, fleetapi.PathAdminBackup, nil)
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("backup: %v, status %d", err, got.status)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(backup, got.body, 0o600); err != nil {
		t.Fatal(err)
	}
	return backup
}

func checkNumbersAndLeases(t *testing.T, c *client, before map[string]fleetapi.Cluster, leases map[string]string) {
	t.Helper()
	after := c.clusters(t)
	for identity, lease := range leases {
		if after[identity].Number != before[identity].Number {
			t.Errorf("%s has number %d, want %d", identity, after[identity].Number, before[identity].Number)
		}
		if status, err := c.beat(identity, lease, 1); err != nil || status != http.StatusNoContent {
			t.Errorf("%s: heartbeat with its lease: %v, status %d", identity, err, status)
		}
	}
}
