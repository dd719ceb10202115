package fleetserver

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestHistoryIsRecordedWhetherOrNotAnybodyLooks(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.join("b", "asia")
	start := p.clock.now()
	for i := range 5 {
		if i < 2 {
			p.beat("b", "", snapshot(map[string]float64{"guilds": 100}))
		}
		p.beat("a", "", snapshot(map[string]float64{"guilds": float64(i)}))
		p.server.recordHistory()
		p.clock.advance(30 * time.Second)
	}
	point := func(i int, guilds float64) fleetapi.HistoryPoint {
		return fleetapi.HistoryPoint{T: start.Add(time.Duration(i) * 30 * time.Second), Metrics: fleetapi.Metrics{Guilds: guilds}}
	}
	var a, b fleetapi.ClusterDetail
	p.get(fleetapi.PathCluster+"?fleet=asia&number=1", &a)
	p.get(fleetapi.PathCluster+"?fleet=asia&number=2", &b)
	if diff := cmp.Diff([]fleetapi.HistoryPoint{point(0, 0), point(1, 1), point(2, 2), point(3, 3), point(4, 4)}, a.History); diff != "" {
		t.Errorf("a (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]fleetapi.HistoryPoint{point(0, 100), point(1, 100), point(2, 100)}, b.History); diff != "" {
		t.Errorf("b, which was silent from the third on and down from the fourth (-want +got)\n%s", diff)
	}
	want := fleetapi.History{History: []fleetapi.HistoryPoint{point(0, 100), point(1, 101), point(2, 102), point(3, 3), point(4, 4)}}
	for _, path := range []string{fleetapi.PathHistory, fleetapi.PathHistory + "?fleet=asia"} {
		var got fleetapi.History
		p.get(path, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", path, diff)
		}
	}
	p.play([]step{
		{"another fleet", get, "/api/fleet/history?fleet=x", "viewer", "", 404, "fleet not found\n"},
		{"an empty fleet of the whole", get, "/api/fleet/history?fleet=", "viewer", "", 200, `...{"history":[{`},
	})
}

func TestARetiredClustersHistoryIsForgotten(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.beat("a", "", snapshot(map[string]float64{"guilds": 1}))
	p.server.recordHistory()
	p.ask("DELETE", "/api/admin/cluster?identity=a&force=1", "admin", "")
	p.join("a", "asia")
	var got fleetapi.ClusterDetail
	p.get(fleetapi.PathCluster+"?fleet=asia&number=1", &got)
	if len(got.History) != 0 || got.History == nil {
		t.Errorf("history %v, want an empty list", got.History)
	}
}

func TestADesertedFleetsHistoryIsForgotten(t *testing.T) {
	for name, empty := range map[string]func(p *plane){
		"its last cluster moves":      func(p *plane) { p.join("a", "europe") },
		"its last cluster is retired": func(p *plane) { p.ask("DELETE", "/api/admin/cluster?identity=a&force=1", "admin", "") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t)
			p.join("a", "asia")
			p.join("b", "asia")
			p.server.recordHistory()
			p.join("b", "europe")
			if got := p.server.history.Get(fleetSeries + "asia"); len(got) != 1 {
				t.Errorf("while somebody is there it has %d points, want 1", len(got))
			}
			empty(p)
			if got := p.server.history.Get(fleetSeries + "asia"); len(got) != 0 {
				t.Errorf("deserted, it still has %d points", len(got))
			}
		})
	}
}
