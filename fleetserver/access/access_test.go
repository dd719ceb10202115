package access

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestSplit(t *testing.T) {
	for list, want := range map[string][]string{
		"new, old ,": {"new", "old"}, " , ": nil, "": nil, "one\n": {"one"},
	} {
		if diff := cmp.Diff(want, Split(list)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", list, diff)
		}
	}
}

func TestSurfaceTakesTheFirstSecretWithATokenAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		secrets []Secret
		want    []string
	}{
		"its own replaces the shared one": {[]Secret{{Value: "own"}, {Value: "shared"}}, []string{"own"}},
		"an empty one falls through":      {[]Secret{{Value: " , "}, {Value: "a,b"}}, []string{"a", "b"}},
		"none":                            {[]Secret{{}, {}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Surface{Secrets: tc.secrets}.Tokens()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAccept(t *testing.T) {
	l := NewList("viewer", []string{"new", "old", "ünïcode"}, strings.ToUpper)
	for token, want := range map[string]bool{
		"new": true, "old": true, "ünïcode": true,
		"": false, "New": false, "new ": false, "ne": false, strings.Repeat("x", 1<<20): false, "\xff": false,
	} {
		if got := l.Accept(token, noon); got != want {
			t.Errorf("token %.10q accepted: %v, want %v", token, got, want)
		}
	}
	if NewList("viewer", nil, strings.ToUpper).Accept("", noon) {
		t.Error("an empty list accepts the empty token")
	}
}

func TestMatchNamesTheToken(t *testing.T) {
	f := newFixture(t)
	f.write(t, "second, first")
	f.Reload()
	for token, want := range map[string]string{"first": "viewer FIRST", "second": "viewer SECOND", "third": ""} {
		if got, ok := f.List("viewer").Match(token, noon); got != want || ok != (want != "") {
			t.Errorf("token %q is %q (%v), want %q", token, got, ok, want)
		}
	}
}

func TestUsesKeepTheLastUseAcrossAChange(t *testing.T) {
	l := NewList("viewer", []string{"old"}, strings.ToUpper)
	l.Accept("old", noon)
	l.set([]string{"new", "old"})
	want := []Use{{Token: "new", Name: "NEW"}, {Token: "old", Name: "OLD", Last: noon}}
	if diff := cmp.Diff(want, l.Uses()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// logs is a buffer for a logger in another goroutine.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

type fixture struct {
	*Keyring
	file   string
	logs   *logs
	failed int
	// changed are the surfaces whose tokens changed.
	changed []string
}

// ignored are hooks for tests that look elsewhere.
func ignored() Hooks { return Hooks{func() {}, func(string) {}, named} }

// named names a token by its surface and itself in capitals.
func named(surface, token string) string { return surface + " " + strings.ToUpper(token) }

// newFixture has a viewer list from a file and an ingest list from a variable.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{file: filepath.Join(t.TempDir(), "viewer-token"), logs: &logs{}}
	f.write(t, "first\n")
	f.Keyring = NewKeyring([]Surface{
		{Name: "viewer", Secrets: []Secret{{Value: "first", File: f.file}, {Value: "shared"}}},
		{Name: "ingest", Secrets: []Secret{{}, {Value: "shared"}}},
		{Name: "admin"},
	}, slog.New(slog.NewTextHandler(f.logs, nil)), nil, Hooks{func() { f.failed++ }, func(surface string) { f.changed = append(f.changed, surface) }, named})
	return f
}

func (f *fixture) write(t *testing.T, content string) {
	t.Helper()
	if err := os.WriteFile(f.file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReload(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, "at the start", map[string]bool{"first": true, "shared": false})
	f.write(t, "second, first")
	f.Reload()
	f.accepts(t, "while both count", map[string]bool{"first": true, "second": true})
	f.write(t, "second")
	f.Reload()
	f.accepts(t, "after the rotation", map[string]bool{"first": false, "second": true})
	if f.failed != 0 || !f.Healthy() {
		t.Errorf("%d failures of reloads that worked", f.failed)
	}
	f.Reload() // nothing new
	if diff := cmp.Diff([]string{"viewer", "viewer"}, f.changed); diff != "" {
		t.Errorf("changes told (-want +got)\n%s", diff)
	}
	if !f.List("ingest").Accept("shared", noon) {
		t.Error("another surface was changed")
	}
	f.hidesTokens(t)
}

func TestAReloadThatYieldsNothingKeepsTheLastGoodList(t *testing.T) {
	f := newFixture(t)
	for name, spoil := range map[string]func(){
		"an empty file":   func() { f.write(t, "") },
		"only separators": func() { f.write(t, " ,\n") },
		"a missing file":  func() { _ = os.Remove(f.file) },
	} {
		before := f.failed
		spoil()
		f.Reload()
		f.accepts(t, "with "+name, map[string]bool{"first": true, "shared": false, "": false})
		if f.failed != before+1 || f.Healthy() {
			t.Errorf("%s: failures %d, healthy %v; want one more and unhealthy", name, f.failed-before, f.Healthy())
		}
	}
	if n := strings.Count(f.logs.String(), "yields no token"); n != 1 {
		t.Errorf("the trouble was logged %d times, want once", n)
	}
	f.write(t, "third")
	f.Reload()
	f.accepts(t, "after the trouble", map[string]bool{"first": false, "third": true})
	if !f.Healthy() {
		t.Error("still unhealthy")
	}
	f.hidesTokens(t)
}

func (f *fixture) accepts(t *testing.T, when string, want map[string]bool) {
	t.Helper()
	for token, ok := range want {
		if got := f.List("viewer").Accept(token, noon); got != ok {
			t.Errorf("%s: %q accepted: %v, want %v", when, token, got, ok)
		}
	}
}

func (f *fixture) hidesTokens(t *testing.T) {
	t.Helper()
	for _, secret := range []string{"first", "second", "third", "shared"} {
		if strings.Contains(f.logs.String(), secret) {
			t.Errorf("the log holds the token %q", secret)
		}
	}
}

func TestASurfaceThatWasOpenStaysOpenAndAClosedOneClosed(t *testing.T) {
	content := ""
	k := NewKeyring([]Surface{{Name: "viewer", Secrets: []Secret{{File: "f"}}}}, slog.New(slog.DiscardHandler),
		func(string) ([]byte, error) { return []byte(content), nil }, ignored())
	content = "late"
	k.Reload()
	if !k.List("viewer").Open() {
		t.Error("a surface that was open was closed by a file")
	}
	closed := NewKeyring([]Surface{{Name: "viewer", Secrets: []Secret{{Value: "x", File: "f"}}}}, slog.New(slog.DiscardHandler),
		func(string) ([]byte, error) { return nil, errors.New("gone") }, ignored())
	closed.Reload()
	if closed.List("viewer").Open() {
		t.Error("a closed surface was opened")
	}
}

// TestWatchFollowsKubernetesSwap changes a token as the kubelet does: the file
// is a link through "..data", and "..data" is renamed over.
func TestWatchFollowsKubernetesSwap(t *testing.T) {
	directory := t.TempDir()
	publish := func(generation, token string) {
		t.Helper()
		data := filepath.Join(directory, "..data")
		if err := errors.Join(
			os.Mkdir(filepath.Join(directory, generation), 0o700),
			os.WriteFile(filepath.Join(directory, generation, "token"), []byte(token), 0o600),
			os.Symlink(generation, data+"_tmp"), os.Rename(data+"_tmp", data)); err != nil {
			t.Fatal(err)
		}
	}
	publish("..1", "first")
	file := filepath.Join(directory, "token")
	if err := os.Symlink(filepath.Join("..data", "token"), file); err != nil {
		t.Fatal(err)
	}
	k := NewKeyring([]Surface{{Name: "viewer", Secrets: []Secret{{Value: "first", File: file}}}}, slog.New(slog.DiscardHandler), nil, ignored())
	k.interval = time.Hour // it has to be told
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { k.Watch(ctx) })
	publish("..2", "second")
	for deadline := time.Now().Add(5 * time.Second); !k.List("viewer").Accept("second", noon); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the swap was not seen within 5 s")
		}
	}
	if k.List("viewer").Accept("first", noon) {
		t.Error("the old token is still accepted")
	}
	cancel()
	watching.Wait()
}

// TestABusyDirectoryDoesNotPutOffAReload has events come faster than they settle.
func TestABusyDirectoryDoesNotPutOffAReload(t *testing.T) {
	f := newFixture(t)
	f.interval = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan fsnotify.Event)
	var following sync.WaitGroup
	following.Go(func() { f.follow(ctx, events, nil) })
	f.write(t, "second")
	started := time.Now()
	for !f.List("viewer").Accept("second", noon) && time.Since(started) < 5*time.Second {
		select {
		case events <- fsnotify.Event{}:
		case <-time.After(settleTime / 10):
		}
		time.Sleep(settleTime / 10)
	}
	if took := time.Since(started); took > 20*settleTime {
		t.Errorf("the change was seen after %s", took)
	}
	cancel()
	following.Wait()
}

func TestALastUseKeepsItsMonotonicReading(t *testing.T) {
	l := NewList("viewer", []string{"x"}, strings.ToUpper)
	l.Accept("x", time.Now())
	if last := l.Uses()[0].Last; !strings.Contains(last.String(), " m=") {
		t.Errorf("%s: a step of the wall clock would change its age", last)
	}
}

// TestFilesAreCheckedWithoutBeingTold is for filesystems that report no change,
// and for machines whose watches others have used up.
func TestFilesAreCheckedWithoutBeingTold(t *testing.T) {
	if checkInterval > 10*time.Second-settleTime {
		t.Errorf("files are checked every %s, and a change has to be followed within 10 s", checkInterval)
	}
	for name, watch := range map[string]func(context.Context, *Keyring){
		"nothing is reported": func(ctx context.Context, k *Keyring) { k.follow(ctx, nil, nil) },
		"there is no watch left": func(ctx context.Context, k *Keyring) {
			k.newWatcher = func() (*fsnotify.Watcher, error) { return nil, syscall.EMFILE }
			k.Watch(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.interval = 10 * time.Millisecond
			ctx, cancel := context.WithCancel(t.Context())
			var following sync.WaitGroup
			following.Go(func() { watch(ctx, f.Keyring) })
			f.write(t, "second")
			for deadline := time.Now().Add(5 * time.Second); !f.List("viewer").Accept("second", noon); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the change was not seen within 5 s")
				}
			}
			cancel()
			following.Wait()
		})
	}
}
