package fleetserver

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/history"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/sample"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

// crowd is a control plane with many members that beat when told to.
type crowd struct {
	*Server
	clock      *clock
	identities []string
	readings   []*source.Reading
}

func newCrowd(b *testing.B, size int) *crowd {
	b.Helper()
	config, err := ConfigFromEnv(func(name string) (string, bool) {
		value, ok := map[string]string{
			fleetapi.EnvFleetHost: "127.0.0.1", fleetapi.EnvFleetToken: "bench-secret", fleetapi.EnvFleetMaxClusters: "100000",
			fleetapi.EnvFleetHeartbeatBurst: "1000000", fleetapi.EnvFleetState: filepath.Join(b.TempDir(), "state.db"),
		}[name]
		return value, ok
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	c := &crowd{clock: newClock()}
	if c.Server, err = New(context.Background(), config, Deps{Now: c.clock.now, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	c.join(b, size)
	for round := range 251 {
		beat, err := source.DecodeHeartbeat(sample.Real().Heartbeat("cluster", "", round*97), config.Namespace)
		if err != nil {
			b.Fatal(err)
		}
		c.readings = append(c.readings, beat.Reading)
	}
	return c
}

// join registers members without waiting for the disk.
func (c *crowd) join(b *testing.B, size int) {
	b.Helper()
	for i := range size {
		identity := fmt.Sprintf("cluster-%05d", i)
		change, err := c.registry.Register(context.Background(), registry.Registration{
			Identity: identity, Fleet: fmt.Sprintf("fleet-%d", i%4), Version: "0.4.2",
		})
		if err != nil {
			b.Fatal(err)
		}
		c.registry.Apply(change)
		c.identities = append(c.identities, identity)
	}
}

// beat lets the members from and to but excluding to beat once. Each beat has
// another reading, for values that never change would compress too well.
func (c *crowd) beat(b *testing.B, from, to, round int) {
	b.Helper()
	for i := from; i < to; i++ {
		beat, err := c.registry.Heartbeat(c.identities[i], "", registry.Sender{})
		if err != nil {
			b.Fatal(err)
		}
		c.push.Observe(c.identities[i], beat.Generation, c.readings[(i+round)%len(c.readings)])
		c.changes.Add(1)
	}
}

// beatApart lets every member beat once with a reading of its own, as they do:
// readings that are shared would hide what each of them keeps.
func (c *crowd) beatApart(b *testing.B) {
	b.Helper()
	body := sample.Real().Heartbeat("cluster", "", 251*97)
	for i := range c.identities {
		beat, err := source.DecodeHeartbeat(body, c.config.Namespace)
		if err != nil {
			b.Fatal(err)
		}
		c.readings[0] = beat.Reading
		c.beat(b, i, i+1, len(c.readings)*len(c.identities)-i)
	}
}

// BenchmarkPlaneView measures a view of many clusters: when all of them have beaten
// since the last one, when a fifteenth of them has, which is what happens within
// the second that a view lives for, and when nothing has. The best
// of all rounds counts: what else a machine does can only make it worse.
func BenchmarkPlaneView(b *testing.B) {
	for _, size := range []int{100, 1000, 5000, 50000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			c := newCrowd(b, size)
			for round := range 3 {
				c.beat(b, 0, size, round)
				c.clock.advance(15 * time.Second)
			}
			c.timedView(b)
			all, second, cached := time.Hour, time.Hour, time.Hour
			var last viewSnapshot
			for round := range b.N {
				c.beat(b, 0, size, round)
				c.clock.advance(2 * time.Second)
				took, view := c.timedView(b)
				all = min(all, took)
				from := size / 15 * (round % 15)
				c.beat(b, from, from+size/15, round+1)
				c.clock.advance(2 * time.Second)
				took, last = c.timedView(b)
				second = min(second, took)
				if &view.body[0] == &last.body[0] {
					b.Fatal("the view was not built again")
				}
				took, _ = c.timedView(b)
				cached = min(cached, took)
			}
			b.ReportMetric(milliseconds(all), "all-ms")
			b.ReportMetric(milliseconds(second), "second-ms")
			b.ReportMetric(milliseconds(cached), "cached-ms")
			b.ReportMetric(float64(len(last.body)), "bytes")
			b.ReportMetric(float64(len(last.compressed())), "gzip-bytes")
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// timedView takes the view as a browser gets it.
func (c *crowd) timedView(b *testing.B) (time.Duration, viewSnapshot) {
	b.Helper()
	started := time.Now()
	view, err := c.views.get()
	if err != nil {
		b.Fatal(err)
	}
	if packed := view.compressed(); len(packed) == 0 {
		b.Fatal("not compressed")
	}
	return time.Since(started), view
}

// BenchmarkPlaneMemory measures what a cluster with four shards holds once its
// window and its history are full.
func BenchmarkPlaneMemory(b *testing.B) {
	const size = 5000
	heap := func() float64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return float64(stats.HeapAlloc)
	}
	var perCluster float64
	for b.Loop() {
		if perCluster > 0 {
			continue // one look is enough: the numbers do not depend on time
		}
		c := newCrowd(b, 0)
		before := heap()
		c.join(b, size)
		for round := range history.Points + 1 {
			c.beat(b, 0, size, round)
			c.recordHistory()
			c.clock.advance(15 * time.Second)
		}
		c.beatApart(b)
		perCluster = (heap() - before) / size
		runtime.KeepAlive(c)
	}
	b.ReportMetric(perCluster, "B/cluster")
}
