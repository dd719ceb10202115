package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// registrations measures the return of a whole fleet at once.
func (b *bench) registrations(ctx context.Context) error {
	const identities, workers = 5000, 128
	fleet, err := b.startFleet(ctx, filepath.Join(b.scratch, "storm.db"))
	if err != nil {
		return err
	}
	crew, err := hire(ctx, fleet.address, workers)
	if err != nil {
		return err
	}
	defer crew.dismiss()
	begun := time.Now()
	if _, err := crew.join(identities); err != nil {
		return err
	}
	b.table.AtMost("5,000 registrations at once, each durable", time.Since(begun).Seconds(), 2, "s")
	_, err = fleet.stop()
	return err
}

// join registers members by their places, as fast as the crew can, and returns their leases.
func (c *crew) join(count int) ([]string, error) {
	leases := make([]string, count)
	err := c.each(func(place int, m *member) (err error) {
		for i := place; i < count && err == nil; i += len(c.members) {
			leases[i], err = m.register(identityOf(i))
		}
		return err
	})
	return leases, err
}

func identityOf(place int) string { return fmt.Sprintf("bench-%06d", place) }

// idleConnections measures what a member costs between its beats. Go's own pace
// of collection keeps out of it most of the garbage that argus-fleet allows
// itself, whatever is connected.
func (b *bench) idleConnections(ctx context.Context) error {
	limit := allowFiles()
	count := min(5000, int(limit)-200)
	fleet, err := b.startFleet(ctx, filepath.Join(b.scratch, "idle.db"), "GOGC=100")
	if err != nil {
		return err
	}
	before, err := fleet.usage().Resident()
	if err != nil {
		return err
	}
	beat := request(fleetapi.PathHeartbeat, []byte(`{"identity": "bench-0"}`))
	crew, err := hire(ctx, fleet.address, count)
	if err != nil {
		return err
	}
	defer crew.dismiss()
	if _, err := crew.members[0].register("bench-0"); err != nil {
		return err
	}
	for _, m := range crew.members {
		if err := m.expect(beat, " 204 "); err != nil {
			return err
		}
	}
	after, err := fleet.usage().Resident()
	if err != nil {
		return err
	}
	b.table.AtMost(fmt.Sprintf("an idle connection, of %d, at GOGC=100", count), (after-before)/float64(count)/1024, 24, "KiB")
	_, err = fleet.stop()
	return err
}

// allowFiles raises the limit of open files and returns it.
func allowFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	raised := syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) != nil {
		return limit.Cur
	}
	return raised.Cur
}

// startAndStop measures both with 100,000 entries in the state, which come from
// a Python control plane's state file: the import is the first start.
func (b *bench) startAndStop(ctx context.Context) error {
	const entries = 100_000
	state := filepath.Join(b.scratch, "large.db")
	if err := writeV1(state, entries); err != nil {
		return err
	}
	first, err := b.startFleet(ctx, state)
	if err != nil {
		return err
	}
	b.table.Note("first start, importing 100,000 entries of a Python control plane", first.started.Seconds(), "s")
	if _, err := first.stop(); err != nil {
		return err
	}
	second, err := b.startFleet(ctx, state)
	if err != nil {
		return err
	}
	b.table.AtMost("start with 100,000 entries", second.started.Seconds(), 2, "s")
	took, err := second.stop()
	b.table.AtMost("stop with 100,000 entries", took.Seconds(), 1, "s")
	return err
}

// writeV1 writes a state file as argus-dpy does.
func writeV1(path string, count int) error {
	seen := float64(time.Now().Unix())
	entries := make([]map[string]any, count)
	for i := range entries {
		entries[i] = map[string]any{
			"identity": identityOf(i), "fleet": "bench", "number": i + 1, "first_seen": seen, "last_seen": seen,
			"status": "up", "version": "0.4.2", "scrape_target": "", "lease_hash": "", "last_snapshot": nil,
		}
	}
	encoded, err := json.Marshal(map[string]any{"version": 1, "counters": map[string]int{"bench": count}, "entries": entries})
	if err != nil {
		return err
	}
	return os.WriteFile(path, encoded, 0o600)
}
