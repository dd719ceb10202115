package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// TestMain lets the test binary play other processes (see process_test.go).
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(playRole(role))
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func openTest(t *testing.T, path string) (*Store, registry.State) {
	t.Helper()
	s, state, err := Open(path, Options{MaxClusters: 100})
	if err != nil {
		t.Fatalf("opening %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s, state
}

func statePath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state.db")
}

func put(s *Store, record registry.Record, fleet string, drawn int) error {
	return s.submitAndWait(Write{Put: &record, Fleet: fleet, Drawn: drawn})
}

func record(identity string, number int) registry.Record {
	return registry.Record{
		Identity: identity, Fleet: "asia", Numbers: map[string]int{"asia": number},
		FirstSeen: noon, RegisteredAt: noon, Registrations: 1, Confirmed: "c", Pending: "p",
	}
}

func mustAcquire(t *testing.T, path string) *Lock {
	t.Helper()
	lock, err := Acquire(context.Background(), path, noon)
	if err != nil {
		t.Fatal(err)
	}
	return lock
}
