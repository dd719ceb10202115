package fleetserver

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/store"
)

// TestACrashAfterARegisterDoesNotCostTheLease has the control plane die between
// a register and the next time that signs of life are saved. What the identity
// did before must not make it look silent.
func TestACrashAfterARegisterDoesNotCostTheLease(t *testing.T) {
	config, c := configOf(t, "ARGUS_FLEET_REQUIRE_LEASE", "1"), newClock()
	p := startPlane(t, config, c)
	lease := p.join("a", "asia").Lease
	c.advance(time.Hour)
	if err := p.server.save(); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	if got := p.ask(post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia", "lease": "`+lease+`"}`); got.status != 200 {
		t.Fatalf("the holder comes back: %d %s", got.status, got.body)
	}

	crashed := config
	crashed.StatePath = filepath.Join(t.TempDir(), "state.db")
	content, err := os.ReadFile(config.StatePath) // as a kill would leave it
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(crashed.StatePath, content, 0o600); err != nil {
		t.Fatal(err)
	}
	after := startPlane(t, crashed, c)
	if got := after.view().Fleets[0].Clusters[0].Status; got != "up" {
		t.Errorf("after the crash it is %s, want up", got)
	}
	if got := after.ask(post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`); got.status != 409 {
		t.Errorf("a stranger registers: %d, want 409", got.status)
	}
}

// TestALegacyStateThatCannotBeReadStopsTheStart: numbering would begin anew.
func TestALegacyStateThatCannotBeReadStopsTheStart(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "zeros": strings.Repeat("\x00", 4096), "a byte order mark": "\ufeff" + pythonState,
	} {
		t.Run(name, func(t *testing.T) {
			config := configOf(t)
			config.LegacyState = filepath.Join(t.TempDir(), "argus-fleet-state.json")
			if err := os.WriteFile(config.LegacyState, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := New(context.Background(), config, Deps{Logger: slog.New(slog.DiscardHandler)})
			refusal, ok := errors.AsType[*store.FileError](err)
			if !ok || refusal.Path != config.LegacyState {
				t.Fatalf("%v, want a FileError that names %s", err, config.LegacyState)
			}
			if _, err := os.Stat(config.StatePath); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a state was begun all the same: %v", err)
			}
			if err := os.Remove(config.LegacyState); err != nil {
				t.Fatal(err)
			}
			startPlane(t, config, newClock()) // nothing is held
		})
	}
}
