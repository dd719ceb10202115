package fleetserver

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// waitFor polls until a condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (p *plane) leave(identity, lease string) answer {
	p.t.Helper()
	return p.ask(post, fleetapi.PathLeave, "ingest", fmt.Sprintf(`{"identity": %q, "lease": %q}`, identity, lease))
}

func TestWithAFullDiskOnlyWhatNeedsItFails(t *testing.T) {
	p := newPlane(t)
	a, b := p.join("a", "asia"), p.join("b", "asia")
	p.disk.full.Store(true)
	p.play([]step{
		{"registering", post, "/fleet/register", "ingest", `{"identity": "new", "fleet": "asia"}`, 503, "state cannot be written, try again later\n"},
		{"what was refused is invisible", post, "/fleet/heartbeat", "ingest", `{"identity": "new"}`, 404, "unknown identity\n"},
		{"a heartbeat", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "lease": "` + a.Lease + `"}`, 204, ""},
		{"the view", get, "/api/fleet/view", "viewer", "", 200, `..."clusters_up":2`},
		{"leaving", post, "/fleet/leave", "ingest", `{"identity": "b", "lease": "` + b.Lease + `"}`, 204, ""},
		{"the view after it", get, "/api/fleet/view", "viewer", "", 200, `..."clusters_up":1`},
		{"readiness, in one word", get, "/readyz", "", "", 503, "store\n"},
		{"health", get, "/healthz", "", "", 200, "ok\n"},
		{"the metric", get, "/metrics", "viewer", "", 200, "...argus_fleet_store_errors_total "},
	})
	refused := p.ask(post, fleetapi.PathRegister, "ingest", `{"identity": "new", "fleet": "asia"}`)
	if got := refused.header.Get("Retry-After"); got != "5" {
		t.Errorf("Retry-After %q, want 5", got)
	}
	if n := strings.Count(p.logs.String(), "the state cannot be written"); n != 1 {
		t.Errorf("the fault is told %d times, want once", n)
	}
	p.disk.full.Store(false)
	waitFor(t, "readiness", func() bool { return p.ask(get, fleetapi.PathReadyz, "", "").status == 200 })
	if !strings.Contains(p.logs.String(), "the state can be written again") {
		t.Error("the end of the fault is not told")
	}
	if got := p.join("new", "asia").Number; got != 5 {
		t.Errorf("number %d after the fault, want 5: two are burnt", got)
	}
}

func TestALeaveThatTheDiskRefusedIsWrittenLater(t *testing.T) {
	for name, later := range map[string]func(*plane){
		"by the sweeper": func(p *plane) {
			waitFor(p.t, "the disk", func() bool { return !p.server.store.Faulty() })
			p.server.settleDebts()
		},
		"by the stop, before anybody has noticed that there is room": func(*plane) {},
	} {
		config, c := configOf(t), newClock()
		t.Run(name, func(t *testing.T) {
			p := startPlane(t, config, c)
			lease := p.join("a", "asia").Lease
			p.disk.full.Store(true)
			if got := p.leave("a", lease); got.status != 204 {
				t.Fatalf("leave: %d %s", got.status, got.body)
			}
			p.server.settleDebts() // the disk is still full
			p.disk.full.Store(false)
			later(p)
		})
		if got := startPlane(t, config, c).view().Fleets[0]; got.ClustersUp != 0 || got.ClustersTotal != 1 {
			t.Errorf("%s: after a restart %d/%d are up, want 0/1", name, got.ClustersUp, got.ClustersTotal)
		}
	}
}

func TestAReplyThatNobodyWaitsForStillSettles(t *testing.T) {
	p := newPlane(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	change, err := p.server.registry.ResetLease(context.Background(), "nobody")
	if err == nil {
		t.Fatalf("a stranger's lease was reset: %+v", change)
	}
	p.join("a", "asia")
	change, err = p.server.registry.ResetLease(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	_ = p.server.commit(ctx, change)
	p.join("a", "asia") // waits for the draft: it would hang if nobody settled it
}

func TestLeaving(t *testing.T) {
	p := newPlane(t)
	lease := p.register(`{"identity": "a", "fleet": "asia", "scrape_target": "10.0.0.1:9191"}`).Lease
	p.play([]step{
		{"without a lease", post, "/fleet/leave", "ingest", `{"identity": "a"}`, 409, "identity is leased to another holder\n"},
		{"with a wrong one", post, "/fleet/leave", "ingest", `{"identity": "a", "lease": "x"}`, 409, "identity is leased to another holder\n"},
		{"a stranger", post, "/fleet/leave", "ingest", `{"identity": "x", "lease": "x"}`, 404, "unknown identity\n"},
		{"nobody", post, "/fleet/leave", "ingest", `{}`, 400, "identity required\n"},
		{"it is still up", get, "/api/fleet/view", "viewer", "", 200, `..."clusters_up":1`},
		{"it can be scraped", get, "/api/fleet/targets", "viewer", "", 200, `...["10.0.0.1:9191"]`},
		{"it leaves", post, "//fleet/leave", "ingest", `{"identity": "a", "lease": "` + lease + `"}`, 204, ""},
		{"it is down at once", get, "/api/fleet/view", "viewer", "", 200, `..."clusters_up":0,"clusters_total":1`},
		{"it is no target any more", get, "/api/fleet/targets", "viewer", "", 200, "[]"},
		{"its beats are a stranger's", post, "/fleet/heartbeat", "ingest", `{"identity": "a", "lease": "` + lease + `"}`, 404, "unknown identity\n"},
		{"it leaves again", post, "/fleet/leave", "ingest", `{"identity": "a", "lease": "` + lease + `"}`, 404, "unknown identity\n"},
		{"it comes back with its number", post, "/fleet/register", "ingest", `{"identity": "a", "fleet": "asia"}`, 200, `...{"number":1,`},
		{"it is up", get, "/api/fleet/view", "viewer", "", 200, `..."clusters_up":1`},
	})
}
