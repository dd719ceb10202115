package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// insideTheProcess runs the benchmarks that need to look into the control plane
// and takes over their results.
func (b *bench) insideTheProcess(ctx context.Context) error {
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkPlane", "-benchtime", "10x", "./fleetserver")
	command.Dir, command.Stderr = b.root, b.progress
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	results := parseBenchmarks(out)
	for _, size := range []string{"100", "1000", "5000", "50000"} {
		r := results["PlaneView/"+size]
		what := "view of " + size + " clusters, best of 10: "
		b.timed(what+"built and compressed, all changed", r["all-ms"], size == "5000", 15)
		b.timed(what+"the same, a second's changes", r["second-ms"], size == "5000", 15)
		b.timed(what+"from the cache", r["cached-ms"], size == "5000", 2)
		b.table.Note(what+"size", r["bytes"]/1024, "KiB")
		b.table.Note(what+"size compressed", r["gzip-bytes"]/1024, "KiB")
	}
	b.table.AtMost("live heap for a cluster (4 shards, full history)", results["PlaneMemory"]["B/cluster"]/1024, 12, "KiB")
	return nil
}

func (b *bench) timed(what string, ms float64, judged bool, limit float64) {
	if judged {
		b.table.AtMost(what, ms, limit, "ms")
		return
	}
	b.table.Note(what, ms, "ms")
}

// parseBenchmarks reads go test's lines: a name, a count, and pairs of a value
// and its unit. The result is by name, without Benchmark and -GOMAXPROCS, and unit.
func parseBenchmarks(out []byte) map[string]map[string]float64 {
	results := map[string]map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "-")
		results[name] = map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				results[name][fields[i+1]] = value
			}
		}
	}
	return results
}
