package fleetserver

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

func TestViewShowsFleetsByNameAndClustersByNumber(t *testing.T) {
	p := newPlane(t)
	for _, c := range []struct{ identity, fleet string }{{"c", "europe"}, {"a", "asia"}, {"b", "asia"}} {
		p.register(fmt.Sprintf(`{"identity": %q, "fleet": %q, "version": "0.4.2"}`, c.identity, c.fleet))
	}
	at := p.clock.now()
	p.clock.advance(time.Second)
	p.beat("a", "", snapshot(map[string]float64{"guilds": 10, "shard_up": 1}))
	p.beat("b", "", snapshot(map[string]float64{"guilds": 5, "shard_up": 1}))
	p.beat("c", "", snapshot(map[string]float64{"guilds": 7, "shard_up": 1}))
	beat := p.clock.now()
	got := p.view()
	rest := []string{"latency_seconds", "cached_users", "interactions_rate", "error_rate", "duration_p95_seconds", "ratelimits_rate", "uptime_seconds"}
	cluster := func(number int, identity, fleet string, guilds float64) fleetapi.Cluster {
		return fleetapi.Cluster{
			Number: number, Identity: identity, Fleet: fleet, Status: "up", LastSeen: beat,
			Metrics: fleetapi.Metrics{Guilds: guilds, ShardsUp: 1}, Shards: []fleetapi.Shard{},
			FirstSeen: at, RegisteredAt: at, ValuesAt: &beat, Registrations: 1, Version: "0.4.2", Missing: rest,
		}
	}
	want := fleetapi.View{
		GeneratedAt: beat, Global: fleetapi.Metrics{Guilds: 22, ShardsUp: 3},
		Fleets: []fleetapi.Fleet{
			{
				Name: "asia", ClustersUp: 2, ClustersTotal: 2, Rollup: fleetapi.Metrics{Guilds: 15, ShardsUp: 2},
				Clusters: []fleetapi.Cluster{cluster(1, "a", "asia", 10), cluster(2, "b", "asia", 5)},
			},
			{
				Name: "europe", ClustersUp: 1, ClustersTotal: 1, Rollup: fleetapi.Metrics{Guilds: 7, ShardsUp: 1},
				Clusters: []fleetapi.Cluster{cluster(1, "c", "europe", 7)},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestADownClusterKeepsItsValuesAndLeavesTheRollup(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.join("b", "asia")
	p.beat("a", "", snapshot(map[string]float64{"guilds": 10}))
	p.clock.advance(30 * time.Second)
	p.beat("b", "", snapshot(map[string]float64{"guilds": 5}))
	p.clock.advance(16 * time.Second)
	fleet := p.view().Fleets[0]
	if fleet.ClustersUp != 1 || fleet.ClustersTotal != 2 || fleet.Rollup.Guilds != 5 {
		t.Errorf("%d/%d up, %v guilds; want 1/2 and 5", fleet.ClustersUp, fleet.ClustersTotal, fleet.Rollup.Guilds)
	}
	if c := fleet.Clusters[0]; c.Status != "down" || c.Metrics.Guilds != 10 {
		t.Errorf("the down cluster: %s with %v guilds", c.Status, c.Metrics.Guilds)
	}
}

func TestAnEmptyFleetIsAnEmptyViewWithAllKeys(t *testing.T) {
	p := newPlane(t)
	got := p.ask(get, fleetapi.PathView, "viewer", "")
	want := `{"generated_at":"2026-06-01T12:00:00Z","global":{"latency_seconds":0,"shards_up":0,"guilds":0,"cached_users":0,"interactions_rate":0,"error_rate":0,"duration_p95_seconds":0,"ratelimits_rate":0,"uptime_seconds":0},"fleets":[]}`
	if got.body != want || got.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%s of %s, want %s", got.body, got.header.Get("Content-Type"), want)
	}
}

func TestOneMalformedSnapshotAffectsItsClusterAlone(t *testing.T) {
	p := newPlane(t)
	p.join("good", "asia")
	p.join("bad", "asia")
	p.beat("good", "", snapshot(map[string]float64{"guilds": 10}))
	for _, sample := range []string{
		`{"name": "discord_shard_up", "labels": {"shard": [1]}, "value": 1}`,
		`{"name": "discord_shard_up", "labels": {"shard": 3}, "value": 1` + strings.Repeat("0", 400) + `}`,
		`{"name": ["x"], "labels": 7, "value": "x"}`, `7`,
	} {
		if got := p.beat("bad", "", `{"metrics": {"x": {"samples": [`+sample+`]}}}`); got.status != 204 {
			t.Errorf("%s: %d %s", sample, got.status, got.body)
		}
		if got := p.view().Global.Guilds; got != 10 {
			t.Errorf("%s: %v guilds in the fleet, want 10", sample, got)
		}
	}
}

func TestTheViewIsBuiltOncePerWindow(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_VIEW_CACHE_MS", "60000")
	p.join("a", "asia")
	if n := p.view().Fleets[0].ClustersTotal; n != 1 {
		t.Fatalf("%d clusters", n)
	}
	p.join("b", "asia")
	if n := p.view().Fleets[0].ClustersTotal; n != 1 {
		t.Errorf("within the window: %d clusters, want the cached 1", n)
	}
	p.clock.advance(time.Minute)
	if n := p.view().Fleets[0].ClustersTotal; n != 2 {
		t.Errorf("after the window: %d clusters, want 2", n)
	}
	metrics := p.ask(get, fleetapi.PathMetrics, "viewer", "").body
	if !strings.Contains(metrics, "argus_fleet_view_build_seconds_count 2\n") {
		t.Error("three views were not two builds")
	}
}

func TestSummaryCountsWithoutClusters(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_MAX_CLUSTERS", "300")
	for i := range 300 {
		p.join(fmt.Sprintf("bot-%d", i), fmt.Sprintf("f%d", i%2))
	}
	var got fleetapi.Summary
	p.get(fleetapi.PathSummary, &got)
	want := fleetapi.Summary{Version: "1.2.3", ClustersUp: 300, ClustersTotal: 300, Fleets: []fleetapi.FleetSummary{
		{Name: "f0", ClustersUp: 150, ClustersTotal: 150}, {Name: "f1", ClustersUp: 150, ClustersTotal: 150},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestARegisterClearsTheLastProcessesValues(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	first := p.clock.now()
	p.beat("a", "", `{"metrics": {"x": {"samples": [{"name": "discord_shard_up", "labels": {"shard": "0"}, "value": 1}]}}}`)
	p.clock.advance(time.Second)
	p.join("a", "asia")
	c := p.view().Fleets[0].Clusters[0]
	if c.ValuesAt != nil || len(c.Shards) != 0 || len(c.Missing) != 9 {
		t.Errorf("values of the last process are shown: %+v", c)
	}
	if c.Registrations != 2 || !c.FirstSeen.Equal(first) || !c.RegisteredAt.Equal(first.Add(time.Second)) {
		t.Errorf("registrations %d, first seen %v, registered %v", c.Registrations, c.FirstSeen, c.RegisteredAt)
	}
}

func TestStatus(t *testing.T) {
	p := newPlane(t)
	started := p.clock.now()
	p.clock.advance(time.Minute)
	for _, c := range []struct{ identity, fleet string }{{"shop-0", "asia"}, {"shop-1", "asia"}, {"shop-x", "europe"}, {"other-0", "asia"}} {
		p.join(c.identity, c.fleet)
	}
	p.beat("shop-0", "", `{"metrics": {"x": {"samples": [
		{"name": "discord_shard_up", "labels": {"shard": "0"}, "value": 1},
		{"name": "discord_shard_up", "labels": {"shard": "1"}, "value": 0},
		{"name": "discord_guilds", "labels": {}, "value": 12}]}}}`)
	at, token := p.clock.now(), fleetapi.Fingerprint("pepper", "ingest", tokens["ingest"])
	var got fleetapi.Status
	p.get(fleetapi.PathStatus+"?fleet=asia&prefix=shop-", &got)
	want := fleetapi.Status{Version: "1.2.3", StartedAt: started, Clusters: []fleetapi.ClusterStatus{
		{Identity: "shop-0", Fleet: "asia", Number: 1, Status: "up", Registrations: 1, ShardsUp: 1, ShardsTotal: 2, Guilds: 12, RegisteredAt: at, ValuesAt: &at, Token: token},
		{Identity: "shop-1", Fleet: "asia", Number: 2, Status: "up", Registrations: 1, RegisteredAt: at, Token: token},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var all fleetapi.Status
	p.get(fleetapi.PathStatus, &all)
	if len(all.Clusters) != 4 {
		t.Errorf("without a filter: %d clusters", len(all.Clusters))
	}
}

func TestStatusETagMovesWhenAnythingButValuesAtDoes(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	etag := func() string { return p.ask(get, fleetapi.PathStatus, "viewer", "").header.Get("ETag") }
	guilds := snapshot(map[string]float64{"guilds": 12})
	last := etag()
	for _, tc := range []struct {
		name  string
		do    func()
		moves bool
	}{
		{"nothing", func() {}, false},
		{"first values", func() { p.beat("a", "", guilds) }, true},
		{"the same values later", func() { p.clock.advance(time.Second); p.beat("a", "", guilds) }, false},
		{"other values", func() { p.beat("a", "", snapshot(map[string]float64{"guilds": 13})) }, true},
		{"another cluster", func() { p.join("b", "asia") }, true},
		{"a restart", func() { p.join("b", "asia") }, true},
		{"silence", func() { p.clock.advance(time.Hour) }, true},
	} {
		tc.do()
		now := etag()
		if (now != last) != tc.moves {
			t.Errorf("%s: ETag %s -> %s, want moved: %v", tc.name, last, now, tc.moves)
		}
		last = now
	}
	got := p.ask(get, fleetapi.PathStatus, "viewer", "", "If-None-Match", `"x", `+last)
	if got.status != http.StatusNotModified || got.body != "" {
		t.Errorf("with the ETag: %d %q, want 304 and nothing", got.status, got.body)
	}
}

func TestConfigTellsFingerprintsAndUse(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_INGEST_TOKEN", "new-one, ingest-secret")
	p.join("a", "asia")
	p.clock.advance(10 * time.Second)
	var got fleetapi.Config
	p.get(fleetapi.PathConfig, &got)
	ten, none := 10.0, 0.0
	want := fleetapi.Config{
		Fleet: true, Namespace: "discord", Version: "1.2.3", AuthRequired: true, Interval: 15, TTLSeconds: 45,
		Tokens: &fleetapi.Tokens{
			Ingest: []fleetapi.TokenInfo{
				{Fingerprint: fleetapi.Fingerprint("pepper", "ingest", "new-one")},
				{Fingerprint: fleetapi.Fingerprint("pepper", "ingest", "ingest-secret"), LastUsedAgeSeconds: &ten},
			},
			Viewer: []fleetapi.TokenInfo{{Fingerprint: fleetapi.Fingerprint("pepper", "viewer", "viewer-secret"), LastUsedAgeSeconds: &none}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var bare fleetapi.Config
	newPlane(t, "ARGUS_FLEET_SECRET_PEPPER", "").get(fleetapi.PathConfig, &bare)
	if bare.Tokens != nil {
		t.Errorf("without a pepper: %+v", bare.Tokens)
	}
}

func TestTheViewIsRebuiltOnlyWhenSomethingChanged(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.join("b", "asia")
	etag := func() string { return p.ask(get, fleetapi.PathView, "viewer", "").header.Get("ETag") }
	last := etag()
	for _, tc := range []struct {
		name  string
		do    func()
		moves bool
	}{
		{"nothing", func() { p.clock.advance(10 * time.Second) }, false},
		{"a beat", func() { p.beat("a", "", "") }, true},
		{"a register", func() { p.join("c", "asia") }, true},
		{"a refused beat", func() { p.beat("x", "", "") }, false},
		{"nothing up to b's TTL", func() { p.clock.advance(35 * time.Second) }, false},
		{"b goes down", func() { p.clock.advance(time.Nanosecond) }, true},
		{"c goes down", func() { p.clock.advance(time.Hour) }, true},
		{"nothing when all are down", func() { p.clock.advance(time.Hour) }, false},
	} {
		tc.do()
		now := etag()
		if (now != last) != tc.moves {
			t.Errorf("%s: ETag %s -> %s, want moved: %v", tc.name, last, now, tc.moves)
		}
		last = now
	}
	if got := p.ask(get, fleetapi.PathView, "viewer", "", "If-None-Match", last); got.status != http.StatusNotModified || got.body != "" {
		t.Errorf("with the ETag: %d %q", got.status, got.body)
	}
}

func TestALargeViewIsCompressedForThoseWhoAccept(t *testing.T) {
	p := newPlane(t)
	for i := range 20 {
		p.join(fmt.Sprintf("bot-%d", i), "asia")
	}
	plain := p.ask(get, fleetapi.PathView, "viewer", "", "Accept-Encoding", "identity")
	packed := p.ask(get, fleetapi.PathView, "viewer", "", "Accept-Encoding", "gzip")
	if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body) >= len(plain.body)/2 || plain.header.Get("Content-Encoding") != "" {
		t.Fatalf("%d bytes become %d with %q", len(plain.body), len(packed.body), packed.header.Get("Content-Encoding"))
	}
	reader, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(reader); err != nil || string(unpacked) != plain.body {
		t.Errorf("it unpacks to something else: %v", err)
	}
	if !strings.Contains(packed.header.Get("Vary"), "Accept-Encoding") {
		t.Error("Vary does not name Accept-Encoding")
	}
}

// BenchmarkView builds the view of 5,000 clusters and compresses it.
func BenchmarkView(b *testing.B) {
	server := newServer(Config{HeartbeatInterval: 15 * time.Second, TTLFactor: 3, MaxClusters: 1 << 20, HeartbeatBurst: 60, RegisterBurst: 1, ReadBurst: 1}, Deps{})
	var err error
	if server.metrics, err = newMetrics(prometheus.NewRegistry(), "1"); err != nil {
		b.Fatal(err)
	}
	reading, err := source.DecodeHeartbeat([]byte(`{"snapshot": {"metrics": {"x": {"samples": [
		{"name": "discord_shard_up", "labels": {"shard": "0"}, "value": 1}, {"name": "discord_shard_up", "labels": {"shard": "1"}, "value": 1},
		{"name": "discord_shard_latency_seconds", "labels": {"shard": "0"}, "value": 0.0412}, {"name": "discord_guilds", "labels": {}, "value": 1874}]}}}}`), "discord")
	if err != nil {
		b.Fatal(err)
	}
	for i := range 5000 {
		change, err := server.registry.Register(b.Context(), registry.Registration{Identity: fmt.Sprintf("bot-%d", i), Fleet: fmt.Sprintf("fleet-%d", i%7)})
		if err != nil {
			b.Fatal(err)
		}
		server.registry.Apply(change)
		server.push.Observe(change.Record.Identity, 1, reading.Reading)
	}
	b.ReportAllocs()
	for b.Loop() {
		built, err := server.buildView()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(built.body)), "bytes")
		b.ReportMetric(float64(len(built.compressed())), "packed-bytes")
	}
}
