package fleetserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
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

	after := startPlane(t, crashed(t, config), c)
	if got := after.view().Fleets[0].Clusters[0].Status; got != "up" {
		t.Errorf("after the crash it is %s, want up", got)
	}
	if got := after.ask(post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`); got.status != 409 {
		t.Errorf("a stranger registers: %d, want 409", got.status)
	}
}

// crashed is a configuration whose state file is as a kill would leave that of
// another at this moment.
func crashed(t *testing.T, config Config) Config {
	t.Helper()
	content, err := os.ReadFile(config.StatePath)
	if err != nil {
		t.Fatal(err)
	}
	config.StatePath = filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(config.StatePath, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// TestOutagesCountForNobodyHoweverOften has a control plane run for ten minutes
// a day, and end in order and by a crash in turn.
func TestOutagesCountForNobodyHoweverOften(t *testing.T) {
	config, c := configOf(t, "ARGUS_FLEET_RETENTION_DAYS", "1"), newClock()
	for day := range 6 {
		left := config
		ended := t.Run(fmt.Sprint("day ", day), func(today *testing.T) {
			p := startPlane(today, config, c)
			if day == 0 {
				p.join("silent", "asia")
			}
			p.join("alive", "asia")
			c.advance(10 * time.Minute)
			p.beat("alive", "", "")
			p.server.sweep(today.Context())
			if day%2 == 0 {
				return
			}
			if err := p.server.save(); err != nil {
				today.Fatal(err)
			}
			c.advance(time.Minute) // which is lost
			left = crashed(t, config)
		})
		config = left
		c.advance(24 * time.Hour)
		if !ended {
			return
		}
	}
	p := startPlane(t, config, c)
	up := map[string]string{}
	for _, cluster := range p.view().Fleets[0].Clusters {
		up[cluster.Identity] = cluster.Status
	}
	if diff := cmp.Diff(map[string]string{"alive": "up", "silent": "down"}, up); diff != "" {
		t.Errorf("after an hour in all (-want +got)\n%s", diff)
	}
	c.advance(23*time.Hour - time.Second)
	p.beat("alive", "", "")
	p.server.sweep(t.Context())
	if got := p.view().Fleets[0].ClustersTotal; got != 2 {
		t.Errorf("before a day in all %d are listed, want both", got)
	}
	c.advance(2 * time.Second)
	p.beat("alive", "", "")
	p.server.sweep(t.Context())
	if got := p.view().Fleets[0].ClustersTotal; got != 1 {
		t.Errorf("after a day in all %d are listed, want the one that is alive", got)
	}
}

// TestRetiredClustersAreForgottenBeyondTheCap retires two more than ten times
// the clusters that may be listed.
func TestRetiredClustersAreForgottenBeyondTheCap(t *testing.T) {
	config, c := configOf(t, "ARGUS_FLEET_MAX_CLUSTERS", "1"), newClock()
	value := func(p *plane, name string) float64 {
		metric := p.families()[name].GetMetric()[0]
		return metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
	}
	t.Run("before", func(t *testing.T) {
		p := startPlane(t, config, c)
		for i := 1; i <= 12; i++ {
			identity := fmt.Sprint("bot-", i)
			p.join(identity, "asia")
			c.advance(time.Second)
			p.ask(http.MethodDelete, fleetapi.PathAdminCluster+"?force=1&identity="+identity, "admin", "")
		}
		p.disk.full.Store(true)
		p.server.sweep(t.Context())
		p.disk.full.Store(false)
		p.server.sweep(t.Context())
		deadline := time.Now().Add(10 * time.Second) // nobody waits for the disk to forget
		for value(p, "argus_fleet_retired_forgotten_total") < 2 && time.Now().Before(deadline) {
			p.server.sweep(t.Context())
			time.Sleep(time.Millisecond)
		}
		if got := value(p, "argus_fleet_retired_forgotten_total"); got != 2 {
			t.Errorf("%v are forgotten, want 2", got)
		}
		if got := value(p, "argus_fleet_retired_entries"); got != 10 {
			t.Errorf("%v are remembered, want 10", got)
		}
	})
	p := startPlane(t, config, c)
	if got := value(p, "argus_fleet_retired_entries"); got != 10 {
		t.Errorf("after a restart %v are remembered, want 10", got)
	}
	for _, tc := range []struct {
		identity string
		want     int
	}{{"bot-12", 12}, {"bot-3", 3}, {"bot-1", 13}, {"newcomer", 14}} {
		if got := p.join(tc.identity, "asia").Number; got != tc.want {
			t.Errorf("%s has number %d, want %d", tc.identity, got, tc.want)
		}
		p.ask(http.MethodDelete, fleetapi.PathAdminCluster+"?force=1&identity="+tc.identity, "admin", "")
	}
}

// TestManyThatExpireTogetherShareCommits: one after the other they would hold up
// the sweeper.
func TestManyThatExpireTogetherShareCommits(t *testing.T) {
	const bots = 300
	p := newPlane(t, "ARGUS_FLEET_RETENTION_DAYS", "1", "ARGUS_FLEET_REGISTER_BURST", "1000")
	for i := range bots {
		p.join(fmt.Sprint("bot-", i), "asia")
	}
	commits := func() uint64 {
		return p.families()["argus_fleet_store_commit_seconds"].GetMetric()[0].GetHistogram().GetSampleCount()
	}
	before := commits()
	p.clock.advance(25 * time.Hour)
	p.server.sweep(t.Context())
	if got := commits() - before; got > bots/10 {
		t.Errorf("%d commits retired %d clusters", got, bots)
	}
	if got := len(p.view().Fleets); got != 0 {
		t.Errorf("%d fleets are listed still", got)
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

// TestAControlPlaneThatDiesEarlyHasRunAllTheSame looks at what a kill would leave
// of one that has been up for a moment only.
func TestAControlPlaneThatDiesEarlyHasRunAllTheSame(t *testing.T) {
	config := configOf(t)
	r := startRunning(t, config, func(s *Server) { s.firstSave = 10 * time.Millisecond })
	r.join("a", "asia")
	r.beat("a", "", "")
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		state, err := store.Read(crashed(t, config).StatePath) // an error is a copy of a file in motion
		if err == nil && state.LastRun.On != nil && *state.LastRun.On > 200*time.Millisecond {
			break
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("after %s it is not known to have run: %+v %v", time.Since(begun), state.LastRun, err)
		}
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}
