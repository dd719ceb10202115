package history

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func record(r *Recorder, tick int, names ...string) {
	r.Record(start.Add(time.Duration(tick)*15*time.Second), func(add func(string, fleetapi.Metrics)) {
		for _, name := range names {
			add(name, fleetapi.Metrics{Guilds: float64(tick)})
		}
	})
}

func ticks(points []fleetapi.HistoryPoint) []int {
	var got []int
	for _, p := range points {
		if want := start.Add(time.Duration(p.Metrics.Guilds) * 15 * time.Second); !p.T.Equal(want) {
			panic(fmt.Sprintf("value %v at %v", p.Metrics.Guilds, p.T))
		}
		got = append(got, int(p.Metrics.Guilds))
	}
	return got
}

func TestASeriesKeepsItsLatestPointsInOrder(t *testing.T) {
	r := New()
	for tick := range Points + 50 {
		record(r, tick, "a")
	}
	got := ticks(r.Get("a"))
	if len(got) != Points || got[0] != 50 || got[Points-1] != Points+49 {
		t.Errorf("%d points from %d to %d", len(got), got[0], got[len(got)-1])
	}
}

func TestAGapIsNoPointAndOldPointsDoNotReappear(t *testing.T) {
	r := New()
	for tick := range Points + 2 {
		if tick == 1 || tick > 3 {
			record(r, tick, "other")
			continue
		}
		record(r, tick, "other", "a")
	}
	if diff := cmp.Diff([]int{2, 3}, ticks(r.Get("a"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	record(r, Points+2, "other", "a")
	if diff := cmp.Diff([]int{3, Points + 2}, ticks(r.Get("a"))); diff != "" {
		t.Errorf("after a return (-want +got)\n%s", diff)
	}
}

func TestSilentSeriesAreDropped(t *testing.T) {
	r := New()
	record(r, 0, "a", "b")
	for tick := 1; tick < Points; tick++ {
		record(r, tick, "b")
	}
	if len(r.Get("a")) != 1 {
		t.Error("a point within the axis is lost")
	}
	record(r, Points, "b")
	if n := len(r.series); n != 1 {
		t.Errorf("%d series, want only b", n)
	}
	r.Forget("b")
	if got := r.Get("b"); len(got) != 0 || got == nil {
		t.Errorf("a forgotten series is %v, want an empty list", got)
	}
}

func TestASeriesStartsEmptyWhereAnotherHasBeen(t *testing.T) {
	r := New()
	for tick := range 5 {
		record(r, tick, "a")
	}
	r.Forget("a")
	record(r, 5, "b")
	if diff := cmp.Diff([]int{5}, ticks(r.Get("b"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if r.places != 1 || len(r.free) != 0 {
		t.Errorf("%d places, %d of them free, want the one that both have had", r.places, len(r.free))
	}
}

func TestMemoryIsTakenAsTimeGoesBy(t *testing.T) {
	r := New()
	names := make([]string, slabSeries+1)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	allocated := func() (count int) {
		for _, span := range r.slabs {
			count += len(slices.DeleteFunc(slices.Clone(span), func(s *slab) bool { return s == nil }))
		}
		return count
	}
	for tick := range 3 * Points {
		record(r, tick, names...)
		if want := 2 * min(tick/spanPoints+1, spans); allocated() != want {
			t.Fatalf("%d slabs after %d points, want %d", allocated(), tick+1, want)
		}
	}
}

func TestValuesComeBackAsPeopleWroteThem(t *testing.T) {
	r := New()
	m := fleetapi.Metrics{
		LatencySeconds: 0.041, ShardsUp: 4, Guilds: 1874, CachedUsers: 91234, InteractionsRate: 0.1,
		ErrorRate: 0.25, DurationP95Seconds: 0.2425, RateLimitsRate: 0, UptimeSeconds: 86400.5,
	}
	r.Record(start, func(add func(string, fleetapi.Metrics)) {
		add("a", m)
		add("huge", fleetapi.Metrics{Guilds: math.MaxFloat64, ShardsUp: -math.MaxFloat64})
	})
	if diff := cmp.Diff([]fleetapi.HistoryPoint{{T: start, Metrics: m}}, r.Get("a")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := json.Marshal(r.Get("huge")); err != nil {
		t.Errorf("not finite: %v", err)
	}
}
