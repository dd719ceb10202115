package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

const (
	// collectorHeadroom is how much may be allocated between two collections
	// when little is live. A small fleet would else be collected many times a
	// second under load; a large one would need twice its memory.
	collectorHeadroom         = 24 << 20
	leastPercent, mostPercent = 15, 400
	collectorPace             = time.Second
	memoryShare               = 0.9 // of the container's limit; the rest is for stacks of the kernel's and page cache
	limitFileV2, limitFileV1  = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
	envGOGC, envGOMEMLIMIT    = "GOGC", "GOMEMLIMIT"
	unlimited                 = 1 << 50 // cgroup v1 says "no limit" with a number that no machine has
	liveHeap                  = "/gc/heap/live:bytes"
)

// tuneMemory sets the garbage collector's limit from the container's and its
// pace from what is live, until the context ends. GOMEMLIMIT and GOGC in the
// environment win, each over its own.
func tuneMemory(ctx context.Context) {
	if os.Getenv(envGOMEMLIMIT) == "" {
		if limit, ok := containerLimit(os.ReadFile); ok {
			debug.SetMemoryLimit(limit)
		}
	}
	if os.Getenv(envGOGC) != "" {
		return
	}
	percent := collectorPercent(0)
	debug.SetGCPercent(percent)
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
	return int(min(max(100*collectorHeadroom/max(live, 1), leastPercent), mostPercent))
}

// containerLimit is the part of the control group's memory limit that Go may
// use; false without a limit.
func containerLimit(read func(string) ([]byte, error)) (int64, bool) {
	for _, file := range []string{limitFileV2, limitFileV1} {
		raw, err := read(file)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64) // "max" is none
		return int64(memoryShare * float64(limit)), err == nil && limit > 0 && limit < unlimited
	}
	return 0, false
}
