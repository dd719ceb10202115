// Package memory tells the garbage collector how much memory a container has.
package memory

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	share                    = 0.9 // of the container's limit; the rest is for the kernel's stacks and page cache
	limitFileV2, limitFileV1 = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
	unlimited                = 1 << 50 // cgroup v1 says "no limit" with a number that no machine has
)

// Limit has the collector keep below the limit of the container, if it has one.
// GOMEMLIMIT in the environment wins.
func Limit() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit, ok := containerLimit(os.ReadFile); ok {
		debug.SetMemoryLimit(limit)
	}
}

// Percent sets how much more than what is live may be allocated between two
// collections. GOGC in the environment wins, of which it tells.
func Percent(percent int) (set bool) {
	if os.Getenv("GOGC") != "" {
		return false
	}
	debug.SetGCPercent(percent)
	return true
}

// containerLimit is the part of the control group's memory limit that Go may use, in
// bytes; false without a limit.
func containerLimit(read func(string) ([]byte, error)) (int64, bool) {
	for _, file := range []string{limitFileV2, limitFileV1} {
		raw, err := read(file)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64) // "max" is none
		return int64(share * float64(limit)), err == nil && limit > 0 && limit < unlimited
	}
	return 0, false
}
