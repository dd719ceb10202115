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
)

// smallDisk mounts a filesystem of one mebibyte. That needs root, as every test
// with this build tag does.
func smallDisk(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("mounting a small filesystem: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return directory
}

func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for {
		if _, err := file.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}

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
	directory := smallDisk(t)
	path, filler := filepath.Join(directory, "state.db"), filepath.Join(directory, "filler")
	s, _, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, refused := writeUntil(t, s, 1, 100)
	if before != 100 || refused != 0 {
		t.Fatalf("%d kept and %d refused while there is room", before, refused)
	}
	fill(t, filler)
	during, refused := writeUntil(t, s, 101, 300)
	if refused == 0 || !s.Faulty() {
		t.Errorf("nothing was refused on a full disk")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); s.Faulty(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the store does not recover")
		}
	}
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
