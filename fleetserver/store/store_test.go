package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

func TestWhatIsWrittenIsThereAfterReopening(t *testing.T) {
	path := statePath(t)
	s, state := openTest(t, path)
	if len(state.Records) != 0 || !state.LastRun.At.IsZero() {
		t.Fatalf("a new file holds %+v", state)
	}
	a, b := record("a", 1), record("b", 2)
	for i, r := range []registry.Record{a, b, record("purged", 3)} {
		if err := put(s, r, "asia", i+1); err != nil {
			t.Fatal(err)
		}
	}
	a.Left, a.Version = true, "2"
	if err := put(s, a, "", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.submitAndWait(Write{Delete: "purged"}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]registry.Sign{
		"a": {At: noon.Add(time.Second), On: new(36 * time.Hour)}, "b": {At: noon.Add(time.Microsecond), On: new(-time.Microsecond)},
	}
	run := registry.Sign{At: noon.Add(time.Minute), On: new(37 * time.Hour)}
	if err := s.SaveSeen(seen, run); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, got := openTest(t, path)
	want := registry.State{
		Records: []registry.Record{a, b}, LastSeen: seen,
		Counters: map[string]int{"asia": 3}, LastRun: run,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestACounterIsNeverLowered(t *testing.T) {
	path := statePath(t)
	s, _ := openTest(t, path)
	for _, drawn := range []int{2, 1} { // drawn in one order, committed in the other
		if err := put(s, record(strconv.Itoa(drawn), drawn), "asia", drawn); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Close()
	if _, state := openTest(t, path); state.Counters["asia"] != 2 {
		t.Errorf("counter %d, want 2", state.Counters["asia"])
	}
}

func TestManySignsOfLifeAreSavedInParts(t *testing.T) {
	path := statePath(t)
	var commits int
	s, _, err := Open(path, Options{Observe: func(time.Duration, error) { commits++ }})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]registry.Sign{}
	for i := range 2500 {
		seen[fmt.Sprintf("bot-%04d", i)] = registry.Sign{At: noon}
	}
	if err := s.SaveSeen(seen, registry.Sign{At: noon}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if commits < 4 {
		t.Errorf("%d commits for 2,500 identities, want at least 4 of at most 1,000", commits)
	}
	if _, state := openTest(t, path); len(state.LastSeen) != 2500 {
		t.Errorf("%d saved", len(state.LastSeen))
	}
}

func TestValuesAreSavedUntilTheDeadline(t *testing.T) {
	path := statePath(t)
	s, _ := openTest(t, path)
	values := map[string][]byte{}
	for i := range 1500 {
		values[fmt.Sprintf("bot-%04d", i)] = []byte("v")
	}
	asked := 0
	late := func(yield func(string, []byte) bool) {
		for identity, raw := range values {
			if asked++; !yield(identity, raw) {
				return
			}
		}
	}
	if written, err := s.SaveValues(late, noon); written != 0 || asked != 1 || err != nil {
		t.Errorf("after the deadline %d were asked for and %d written, %v", asked, written, err)
	}
	if written, err := s.SaveValues(maps.All(values), time.Now().Add(time.Minute)); written != 1500 || err != nil {
		t.Errorf("%d written, %v", written, err)
	}
	if err := s.submitAndWait(Write{Delete: "bot-0007"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Values()
	delete(values, "bot-0007")
	if diff := cmp.Diff(values, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestWritesWaitingTogetherShareACommit(t *testing.T) {
	var mu sync.Mutex
	commits := 0
	s, _, err := Open(statePath(t), Options{Observe: func(time.Duration, error) { mu.Lock(); commits++; mu.Unlock() }})
	if err != nil {
		t.Fatal(err)
	}
	gate, inner := make(chan struct{}), s.commit
	s.mu.Lock() // the writer is asleep: nothing has been submitted
	s.commit = func(f func(*bolt.Tx) error) error { <-gate; return inner(f) }
	s.mu.Unlock()
	var done sync.WaitGroup
	for i := range 100 {
		done.Add(1)
		r := record(fmt.Sprint("bot-", i), i+1)
		s.Submit(Write{Put: &r, Done: func(err error) {
			if err != nil {
				t.Error(err)
			}
			done.Done()
		}})
	}
	close(gate)
	done.Wait()
	_ = s.Close()
	if commits > 3 {
		t.Errorf("%d commits for 100 writes that waited together", commits)
	}
}

func TestAfterCloseWritesAreRefused(t *testing.T) {
	s, _ := openTest(t, statePath(t))
	_ = s.Close()
	if err := put(s, record("a", 1), "asia", 1); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

// withFault makes every commit fail while the returned pointer holds an error.
func withFault(t *testing.T, s *Store) func(error) {
	t.Helper()
	var mu sync.Mutex
	var fault error
	inner := s.commit
	s.mu.Lock()
	s.commit = func(f func(*bolt.Tx) error) error {
		mu.Lock()
		err := fault
		mu.Unlock()
		if err != nil {
			return err
		}
		return inner(f)
	}
	s.mu.Unlock()
	return func(err error) { mu.Lock(); fault = err; mu.Unlock() }
}

func TestAFullDiskIsToldAndOvercome(t *testing.T) {
	for name, fault := range map[string]error{
		"it takes no page":                 &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC},
		"the quota is used up":             &fs.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT},
		"it has become read-only":          &fs.PathError{Op: "write", Path: "x", Err: syscall.EROFS},
		"it has no room for a longer file": growthError(syscall.ENOSPC),
		"a longer file is over the quota":  growthError(syscall.EDQUOT),
	} {
		t.Run(name, func(t *testing.T) {
			path := statePath(t)
			s, _ := openTest(t, path)
			fail := withFault(t, s)
			fail(fault)
			if err := put(s, record("a", 1), "asia", 1); !errors.Is(err, ErrUnavailable) || !errors.Is(err, fault) {
				t.Fatalf("%v, want ErrUnavailable because of %v", err, fault)
			}
			if !s.Faulty() {
				t.Error("no fault is reported")
			}
			fail(nil)
			awaitRecovery(t, s)
			if left, err := filepath.Glob(path + snapshotPattern); err != nil || len(left) > 0 {
				t.Errorf("the probe has left %v (%v)", left, err)
			}
			if err := put(s, record("a", 2), "asia", 2); err != nil {
				t.Errorf("after the fault: %v", err)
			}
			select {
			case err := <-s.Fatal():
				t.Errorf("a full disk is fatal: %v", err)
			default:
			}
		})
	}
}

// growthError is how bbolt tells that it could not make its file longer.
func growthError(cause error) error {
	return errors.New("file resize error: " + (&fs.PathError{Op: "truncate", Path: "x", Err: cause}).Error())
}

// awaitRecovery waits until the store has found out by itself that it can write again.
func awaitRecovery(t *testing.T, s *Store) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); s.Faulty(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the store does not recover")
		}
	}
}

func TestWhatOnlyARestartCanTellIsFatal(t *testing.T) {
	for name, fault := range map[string]error{
		"an I/O error":              &fs.PathError{Op: "write", Path: "x", Err: syscall.EIO},
		"a failed flush":            syscall.ENOSPC, // as fdatasync returns it: no path
		"a failed flush of growth":  &fs.PathError{Op: "sync", Path: "x", Err: syscall.ENOSPC},
		"an I/O error of growth":    growthError(syscall.EIO),
		"an error of unknown cause": errors.New("file sync error: disk on fire"),
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := openTest(t, statePath(t))
			fail := withFault(t, s)
			fail(fault)
			if err := put(s, record("a", 1), "asia", 1); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%v, want ErrUnavailable", err)
			}
			if err := <-s.Fatal(); !errors.Is(err, fault) {
				t.Errorf("fatal %v, want %v", err, fault)
			}
			fail(nil)
			if err := put(s, record("b", 2), "asia", 2); !errors.Is(err, ErrUnavailable) {
				t.Errorf("a write after a fatal error: %v, want ErrUnavailable", err)
			}
		})
	}
}

func TestAPanicInTheWriterIsFatalAndAnswered(t *testing.T) {
	s, _ := openTest(t, statePath(t))
	s.mu.Lock()
	s.commit = func(func(*bolt.Tx) error) error { panic("page 7 is odd") }
	s.mu.Unlock()
	if err := put(s, record("a", 1), "asia", 1); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	if err := <-s.Fatal(); err == nil {
		t.Error("no fatal error")
	}
}
