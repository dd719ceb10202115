//go:build node

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/argus-dev/argus-operator/fleetserver/store/smalldisk"
)

// writeUntil writes records from one number to another and counts what was kept.
func writeUntil(t *testing.T, s *Store, from, to int) (kept, refused int) {
	t.Helper()
	for i := from; i <= to; i++ {
		r := record(fmt.Sprintf("bot-%d-%s", i, strings.Repeat("x", 100)), i)
		switch err := put(s, r, "asia", i); {
		case err == nil:
			kept++
		case errors.Is(err, ErrUnavailable) && errors.Is(err, syscall.ENOSPC):
			refused++
		default:
			t.Fatalf("write %d: %v", i, err)
		}
	}
	return kept, refused
}

func TestARealFullDisk(t *testing.T) {
	directory := smalldisk.Mount(t)
	path, filler := filepath.Join(directory, "state.db"), filepath.Join(directory, "filler")
	s, _, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, refused := writeUntil(t, s, 1, 100)
	if before != 100 || refused != 0 {
		t.Fatalf("%d kept and %d refused while there is room", before, refused)
	}
	smalldisk.Fill(t, filler)
	during, refused := writeUntil(t, s, 101, 300)
	if refused == 0 || !s.Faulty() {
		t.Errorf("nothing was refused on a full disk")
	}
	for probes := time.Now().Add(3 * faultRetry); time.Now().Before(probes); time.Sleep(10 * time.Millisecond) {
		if !s.Faulty() {
			t.Fatal("the fault is over on a full disk")
		}
	}
	if _, err := s.Snapshot(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a snapshot on a full disk: %v, want ErrUnavailable", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	awaitRecovery(t, s)
	after, _ := writeUntil(t, s, 301, 310)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path, before+during+after)
}

// checkFile opens a state file and compares it with what was acknowledged.
func checkFile(t *testing.T, path string, acknowledged int) {
	t.Helper()
	s, state := openTest(t, path)
	if len(state.Records) != acknowledged {
		t.Errorf("%d records on the disk, %d were acknowledged", len(state.Records), acknowledged)
	}
	err := s.db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("the file is inconsistent: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAFullDiskStopsNoRestart: what is written into a lock is for people only.
func TestAFullDiskStopsNoRestart(t *testing.T) {
	directory := smalldisk.Mount(t)
	path := filepath.Join(directory, "state.db")
	if err := mustAcquire(t, path).Release(); err != nil {
		t.Fatal(err)
	}
	s, _, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	smalldisk.Fill(t, filepath.Join(directory, "filler"))
	lock := mustAcquire(t, path)
	openTest(t, path)
	if _, err := Acquire(t.Context(), path, noon); err == nil {
		t.Error("a second one has the lock too")
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}
