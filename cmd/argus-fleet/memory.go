package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/argus-dev/argus-operator/cmd/internal/memory"
)

const (
	// leastHeadroom is how much may be allocated between two collections when
	// little is live: a small fleet would else be collected many times a second
	// under load. From 80 MiB on it is a part of what is live.
	leastHeadroom                           = 24 << 20
	leastPercent, usualPercent, mostPercent = 15, 30, 400
	// Above largeHeap as much as is live, for each collection holds up the beats of some
	// tens of thousands of members; but what is live and its headroom stay below enough.
	largeHeap, enough = 200 << 20, 1300 << 20
	collectorPace     = time.Second
	liveHeap          = "/gc/heap/live:bytes"
)

// tuneMemory sets the garbage collector's limit from the container's and its
// pace from what is live, until the context ends. GOMEMLIMIT and GOGC in the
// environment win, each over its own.
func tuneMemory(ctx context.Context) {
	memory.Limit()
	percent := collectorPercent(0)
	if !memory.Percent(percent) {
		return
	}
	ticker := time.NewTicker(collectorPace)
	defer ticker.Stop()
	sample := []metrics.Sample{{Name: liveHeap}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		metrics.Read(sample)
		// Setting it stops the world for a moment, so small differences are left alone.
		if wanted := collectorPercent(sample[0].Value.Uint64()); wanted*10 > percent*11 || wanted*11 < percent*10 {
			percent = wanted
			debug.SetGCPercent(percent)
		}
	}
}

// collectorPercent is GOGC for a live heap of so many bytes.
func collectorPercent(live uint64) int {
	headroom := max(live*usualPercent/100, leastHeadroom)
	if live > largeHeap {
		more := min(headroom+2*(live-largeHeap), live)
		headroom = min(more, max(enough, live)-live)
	}
	return int(min(max(100*headroom/max(live, 1), leastPercent), mostPercent))
}
