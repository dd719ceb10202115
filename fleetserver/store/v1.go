package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/pyjson"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// v1Version is the schema version of argus-dpy's JSON state.
const v1Version = 1

// maxNumber is far above what any fleet draws, and far below what overflows.
const maxNumber = 1 << 40

// maxCounter is what counters can reach: however far one was raised, all the
// numbers that can be drawn from there on can be read again.
const maxCounter = 1 << 53

// v1State is argus-dpy's state file, version 1.
type v1State struct {
	Version  *int           `json:"version"`
	Counters map[string]int `json:"counters"`
	Entries  []v1Entry      `json:"entries"`
}

// v1Entry has exactly the ten keys that argus-dpy knows; it refuses any other.
type v1Entry struct {
	Identity     string          `json:"identity"`
	Fleet        string          `json:"fleet"`
	Number       int             `json:"number"`
	FirstSeen    float64         `json:"first_seen"`
	LastSeen     float64         `json:"last_seen"`
	Status       string          `json:"status"`
	Version      string          `json:"version"`
	LastSnapshot json.RawMessage `json:"last_snapshot"`
	ScrapeTarget string          `json:"scrape_target"`
	LeaseHash    string          `json:"lease_hash"`
}

// EncodeV1 writes a state as argus-dpy's version 1, entries by identity.
// Snapshots are null, and retired identities, which it does not know, are left out.
func EncodeV1(state registry.State, up func(identity string) bool) ([]byte, error) {
	version := v1Version
	file := v1State{Version: &version, Counters: state.Counters, Entries: []v1Entry{}}
	for _, r := range state.Records {
		if r.Retired {
			continue
		}
		status := "down"
		if up(r.Identity) {
			status = "up"
		}
		lease := r.Pending
		if lease == "" {
			lease = r.Confirmed
		}
		file.Entries = append(file.Entries, v1Entry{
			Identity: r.Identity, Fleet: r.Fleet, Number: r.Number(), FirstSeen: epoch(r.FirstSeen), LastSeen: epoch(state.LastSeen[r.Identity].At),
			Status: status, Version: r.Version, LastSnapshot: json.RawMessage("null"), ScrapeTarget: r.ScrapeTarget, LeaseHash: lease,
		})
	}
	slices.SortFunc(file.Entries, func(a, b v1Entry) int { return strings.Compare(a.Identity, b.Identity) })
	encoded, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("encoding the version-1 state: %w", err)
	}
	return append(encoded, '\n'), nil
}

// DecodeV1 reads argus-dpy's version 1. Counters are raised to the highest
// number in use, and of two identities with one number in a fleet, which
// argus-dpy could produce, the later one gets the next free number.
func DecodeV1(content []byte) (registry.State, error) {
	strict, err := pyjson.Strict(content)
	if err != nil {
		return registry.State{}, fmt.Errorf("is not the version-1 JSON: %w", err)
	}
	var file v1State
	if err := json.Unmarshal(strict, &file); err != nil {
		return registry.State{}, fmt.Errorf("is not the version-1 JSON: %w", err)
	}
	if file.Version != nil && *file.Version != v1Version {
		return registry.State{}, fmt.Errorf("has schema version %d, and only %d can be imported", *file.Version, v1Version)
	}
	slices.SortStableFunc(file.Entries, func(a, b v1Entry) int {
		return cmp.Or(cmp.Compare(a.FirstSeen, b.FirstSeen), cmp.Compare(a.Identity, b.Identity))
	})
	counters, err := countersV1(file)
	if err != nil {
		return registry.State{}, err
	}
	return importEntries(registry.State{LastSeen: map[string]registry.Sign{}, Counters: counters}, file.Entries), nil
}

// countersV1 checks the numbers of a file and returns its counters, none below
// a number in use.
func countersV1(file v1State) (map[string]int, error) {
	counters := map[string]int{}
	for fleet, highest := range file.Counters {
		if highest < 0 || highest > maxNumber {
			return nil, fmt.Errorf("holds a counter of %d", highest)
		}
		counters[fleet] = highest
	}
	for _, e := range file.Entries {
		if e.Identity == "" || e.Fleet == "" || e.Number < 1 || e.Number > maxNumber {
			return nil, fmt.Errorf("holds an entry without identity, fleet or number (%.64q)", e.Identity)
		}
		counters[e.Fleet] = max(counters[e.Fleet], e.Number)
	}
	return counters, nil
}

func importEntries(state registry.State, entries []v1Entry) registry.State {
	type place struct {
		fleet  string
		number int
	}
	taken, known := map[place]bool{}, map[string]bool{}
	for _, e := range entries {
		if known[e.Identity] {
			continue
		}
		known[e.Identity] = true
		if taken[place{e.Fleet, e.Number}] {
			state.Counters[e.Fleet]++
			e.Number = state.Counters[e.Fleet]
		}
		taken[place{e.Fleet, e.Number}] = true
		first, last := moment(e.FirstSeen), moment(e.LastSeen)
		state.LastSeen[e.Identity] = registry.Sign{At: last}
		if last.After(state.LastRun.At) {
			state.LastRun.At = last
		}
		state.Records = append(state.Records, registry.Record{
			Identity: e.Identity, Fleet: e.Fleet, Numbers: map[string]int{e.Fleet: e.Number},
			FirstSeen: first, RegisteredAt: first, Registrations: 1,
			Version: e.Version, ScrapeTarget: e.ScrapeTarget, Confirmed: e.LeaseHash,
		})
	}
	return state
}

// epoch is a moment as Python writes it: seconds since 1970.
func epoch(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}

func moment(seconds float64) time.Time {
	if math.IsNaN(seconds) || seconds < 0 || seconds > 1e11 {
		return time.Unix(0, 0).UTC()
	}
	return time.UnixMicro(int64(math.Round(seconds * 1e6))).UTC()
}
