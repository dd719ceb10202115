package member

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var uuid4 = regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`)

func TestALeaseOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	leases := func(script ...reply) []any {
		j := &journal{}
		p := newPlane(t, j, script...)
		run(t, Config{URL: p.server.URL, Identity: identityA0, StateDir: dir}, Options{}, j, func(int) bool { return p.done() })
		var sent []any
		for _, call := range p.recorded() {
			sent = append(sent, call.Body["lease"])
		}
		return sent
	}
	if diff := cmp.Diff([]any{nil, "lease-1"}, leases(registered(1), status(204))); diff != "" {
		t.Errorf("leases of the first life (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"lease-1", "lease-2"}, leases(registered(2), status(204))); diff != "" {
		t.Errorf("leases of the second life (-want +got):\n%s", diff)
	}
	assertPrivate(t, dir, 1)
}

// assertPrivate checks that a directory holds so many files, none left over
// from a write, each readable by its owner alone.
func assertPrivate(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != want {
		t.Errorf("%s holds %v, want %d files", dir, entries, want)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s has mode %v, want 0600", entry.Name(), info.Mode())
		}
	}
}

func TestTwoMembersOfOneDirectoryKeepTheirOwnLeases(t *testing.T) {
	dir := stateDir(t.TempDir())
	for _, identity := range []string{"asia-0", "asia-1", "../escape", "with/slash"} {
		if err := dir.keepLease(identity, "lease of "+identity); err != nil {
			t.Fatal(err)
		}
	}
	for _, identity := range []string{"asia-0", "asia-1", "../escape", "with/slash"} {
		if got := dir.lease(identity); got != "lease of "+identity {
			t.Errorf("lease of %s is %q", identity, got)
		}
	}
	assertPrivate(t, string(dir), 4)
}

func TestARandomIdentityIsMadeOnce(t *testing.T) {
	dir := stateDir(t.TempDir())
	var group sync.WaitGroup
	identities := make([]string, 16)
	for i := range identities {
		group.Go(func() {
			identity, err := dir.identity()
			if err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			identities[i] = identity
		})
	}
	group.Wait()
	for _, identity := range identities {
		if identity != identities[0] || !uuid4.MatchString(identity) {
			t.Fatalf("processes that start together are called %q", identities)
		}
	}
	assertPrivate(t, string(dir), 1)
}

func TestWhatIsKeptUnderTheIdentitysName(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		kept    bool
	}{
		"an original member's identity":  {"0123456789abcdef0123456789abcdef", true},
		"with a line's end":              {"cluster-7\n", true},
		"nothing, after a crash":         {"", false},
		"something with control bytes":   {"a\x00b", false},
		"something that is not UTF-8":    {"\xff\xfe", false},
		"something too long for a name":  {string(make([]byte, 3000)), false},
		"something too long for a state": {string(make([]byte, 5000)), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "argus-fleet-id")
			if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			identity, err := stateDir(dir).identity()
			if err != nil {
				t.Fatal(err)
			}
			if tc.kept && identity != strings.TrimSpace(tc.content) {
				t.Errorf("identity %q, want the kept %q", identity, tc.content)
			}
			if !tc.kept && !uuid4.MatchString(identity) {
				t.Errorf("identity %q, want a fresh UUID", identity)
			}
			again, err := stateDir(dir).identity()
			if err != nil || again != identity {
				t.Errorf("the next process is called %q (%v), want %q", again, err, identity)
			}
		})
	}
}

// unwritable returns directories that cannot keep anything, for root as well.
func unwritable(t *testing.T) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"a directory below a file": filepath.Join(file, "below"),
		"a file":                   file,
		"a read-only filesystem":   "/proc/1",
	}
}

func TestADirectoryThatKeepsNothingCostsOneLine(t *testing.T) {
	for name, dir := range unwritable(t) {
		t.Run(name, func(t *testing.T) {
			j, lines := &journal{}, &logLines{}
			p := newPlane(t, j, registered(1), status(204), status(404), registered(2), status(204))
			m := run(t, Config{URL: p.server.URL, StateDir: dir}, Options{Logger: lines.logger()}, j, func(int) bool { return p.done() })
			state := m.State()
			if !state.Registered || !uuid4.MatchString(state.Identity) {
				t.Errorf("state %+v", state)
			}
			if got := p.recorded()[4].Body["lease"]; got != "lease-2" {
				t.Errorf("the lease in memory is %v", got)
			}
			warnings := 0
			for _, line := range lines.all() {
				if regexp.MustCompile("level=WARN.*state cannot be kept").MatchString(line) {
					warnings++
				}
			}
			if warnings != 1 {
				t.Errorf("%d warnings about the directory, want one:\n%v", warnings, lines.all())
			}
		})
	}
}

func TestWithoutADirectoryNothingIsWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	j := &journal{}
	p := newPlane(t, j, registered(1), status(204))
	run(t, Config{URL: p.server.URL}, Options{}, j, func(int) bool { return p.done() })
	assertPrivate(t, ".", 0)
}
