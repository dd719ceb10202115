package fleetserver

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
)

var update = flag.Bool("update", false, "write testdata/python anew")

// python writes a value as Python's json.dumps does with its defaults: a blank
// behind separators, floats with a point, and bare NaN and Infinity.
func python(value any) string {
	switch v := value.(type) {
	case pyRaw:
		return string(v)
	case string:
		return strconv.QuoteToASCII(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 0):
			return strings.Replace(strings.TrimPrefix(fmt.Sprint(v), "+"), "Inf", "Infinity", 1)
		case v == math.Trunc(v):
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case pyList:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = python(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case pyDict:
		items := make([]string, 0, len(v)/2)
		for i := 0; i+1 < len(v); i += 2 {
			items = append(items, python(v[i])+": "+python(v[i+1]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	panic(fmt.Sprintf("no Python for %T", value))
}

// pyDict is keys and values in turn, pyRaw is written as it is.
type (
	pyDict []any
	pyList []any
	pyRaw  string
)

func sampleOf(name string, labels pyDict, value any) pyDict {
	return pyDict{"name", "discord_" + name, "labels", labels, "value", value}
}

func familyOf(kind string, samples ...any) pyDict {
	return pyDict{"type", kind, "samples", pyList(samples)}
}

// bodyOf is a heartbeat whose snapshot has these families, by name in turn.
func bodyOf(identity string, families ...any) string {
	return python(pyDict{"identity", identity, "snapshot", pyDict{"metrics", pyDict(families)}})
}

// guildFamily is a family that is always there, to be read whatever is wrong elsewhere.
func guildFamily(count float64) []any {
	return []any{"discord_guilds", familyOf("gauge", sampleOf("guilds", pyDict{"cluster", "default"}, count))}
}

// commandFamilies are those of a bot with many used commands.
func commandFamilies(count int) []any {
	var counted, durations []any
	for i := range count {
		name := fmt.Sprintf("command-%03d", i)
		for _, status := range []string{"success", "error"} {
			labels := pyDict{"cluster", "default", "command", name, "status", status}
			counted = append(counted, sampleOf("app_commands_total", labels, 10.0), sampleOf("app_commands_created", labels, 1780000000.123))
		}
		for n, le := range []string{"0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"} {
			durations = append(durations, sampleOf("app_command_duration_seconds_bucket", pyDict{"cluster", "default", "command", name, "le", le}, float64(min(5*n, 20))))
		}
		durations = append(durations, sampleOf("app_command_duration_seconds_count", pyDict{"cluster", "default", "command", name}, 20.0),
			sampleOf("app_command_duration_seconds_sum", pyDict{"cluster", "default", "command", name}, 4.25))
	}
	return []any{"discord_app_commands", familyOf("counter", counted...), "discord_app_command_duration_seconds", familyOf("histogram", durations...)}
}

func counterFamilies(suffix string) []any {
	return []any{
		"discord_app_commands" + suffix, familyOf("counter", sampleOf("app_commands_total", pyDict{"command", "a", "status", "success"}, 30.0), sampleOf("app_commands_total", pyDict{"command", "a", "status", "error"}, 10.0)),
		"discord_command_errors" + suffix, familyOf("counter", sampleOf("command_errors_total", pyDict{"command", "a"}, 10.0)),
		"discord_interactions" + suffix, familyOf("counter"),
		"discord_ratelimits" + suffix, familyOf("counter"),
	}
}

func shardFamily(label, up any) []any {
	return []any{"discord_shard_up", familyOf("gauge", sampleOf("shard_up", pyDict{"cluster", "default", "shard", label}, up))}
}

// pythonBodies are what Python members send, and what broke their control plane.
func pythonBodies() map[string]string {
	seven := guildFamily(7)
	body := func(name string, families ...[]any) (string, string) {
		return name, bodyOf(name, slices.Concat(append(families, seven)...)...)
	}
	bodies := map[string]string{}
	add := func(name, content string) { bodies[name] = content }
	add(body("bare-nan-and-infinity",
		[]any{"discord_shard_latency_seconds", familyOf("gauge",
			sampleOf("shard_latency_seconds", pyDict{"shard", "0"}, math.Inf(1)), sampleOf("shard_latency_seconds", pyDict{"shard", "1"}, math.NaN()))},
		[]any{"discord_uptime_seconds", familyOf("gauge", sampleOf("uptime_seconds", pyDict{}, math.Inf(-1)))},
		[]any{"discord_cached_users", familyOf("gauge", sampleOf("cached_users", pyDict{}, math.NaN()))}))
	add(body("families-with-total", counterFamilies("_total")))
	add(body("families-without-total", counterFamilies("")))
	add(body("three-hundred-commands", commandFamilies(300)))
	add(body("malformed-shard-label-int", shardFamily(pyRaw("3"), 1.0)))
	add(body("malformed-shard-label-list", shardFamily(pyList{"3"}, 1.0)))
	add(body("malformed-shard-label-null", shardFamily(pyRaw("null"), 1.0)))
	add(body("malformed-integer-above-float", shardFamily("3", pyRaw("1"+strings.Repeat("0", 400)))))
	add(body("malformed-sum-overflows", []any{"discord_cached_users", familyOf("gauge", sampleOf("cached_users", pyDict{"x", "1"}, pyRaw("1.7e+308")), sampleOf("cached_users", pyDict{"x", "2"}, pyRaw("1.7e+308")))}))
	add(body("malformed-samples-of-all-kinds", []any{"discord_cached_users", familyOf("gauge", pyRaw("null"), pyRaw("1"), "text", pyList{}, pyDict{}, sampleOf("cached_users", pyDict{}, pyDict{}))}))
	add(body("malformed-family-is-a-list", []any{"discord_cached_users", pyList{1.0}, "discord_shard_up", pyRaw("null")}))
	add("malformed-metrics-is-a-list", python(pyDict{"identity", "malformed-metrics-is-a-list", "snapshot", pyDict{"metrics", pyList{}}}))
	add("malformed-snapshot-is-a-list", python(pyDict{"identity", "malformed-snapshot-is-a-list", "snapshot", pyList{}}))
	return bodies
}

func bodyFile(name string) string { return filepath.Join("testdata", "python", name+".json.gz") }

func writeBody(name, content string) error {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, content)
	return errors.Join(err, w.Close(), os.MkdirAll(filepath.Dir(bodyFile(name)), 0o750), os.WriteFile(bodyFile(name), packed.Bytes(), 0o600))
}

// readBodyFile unpacks a body: members send them plain, but one is large.
func readBodyFile(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(bodyFile(name))
	if err != nil {
		t.Fatalf("%v: write it with go test ./fleetserver -run PythonBodies -update", err)
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestPythonBodiesAreWhatTheGeneratorWrites(t *testing.T) {
	for name, want := range pythonBodies() {
		if *update {
			if err := writeBody(name, want); err != nil {
				t.Fatal(err)
			}
		}
		if got := readBodyFile(t, name); got != want {
			t.Errorf("%s is not what the generator writes: run the test with -update", bodyFile(name))
		}
	}
}

// expectation is what a view shows of the sender of a body.
type expectation struct {
	guilds, errorRate, p95 float64
	shards                 []fleetapi.Shard // nil: not looked at
	known, missing         []string         // some of the keys
}

func pythonExpectations() map[string]expectation {
	const users, uptime, rate = "cached_users", "uptime_seconds", "interactions_rate"
	return map[string]expectation{
		"bare-nan-and-infinity":          {guilds: 7, missing: []string{"latency_seconds", users, uptime}},
		"families-with-total":            {guilds: 7, errorRate: 0.25, known: []string{"error_rate"}, missing: []string{rate}},
		"families-without-total":         {guilds: 7, errorRate: 0.25, known: []string{"error_rate"}, missing: []string{rate}},
		"three-hundred-commands":         {guilds: 7, p95: 0.9, known: []string{"error_rate", "duration_p95_seconds"}},
		"malformed-shard-label-int":      {guilds: 7, shards: []fleetapi.Shard{{ID: "3", Status: fleetapi.StatusUp}}},
		"malformed-shard-label-list":     {guilds: 7, shards: []fleetapi.Shard{}},
		"malformed-shard-label-null":     {guilds: 7, shards: []fleetapi.Shard{}},
		"malformed-integer-above-float":  {guilds: 7, missing: []string{"shards_up"}},
		"malformed-sum-overflows":        {guilds: 7, missing: []string{users}},
		"malformed-samples-of-all-kinds": {guilds: 7, missing: []string{users}},
		"malformed-family-is-a-list":     {guilds: 7, missing: []string{users}},
		"malformed-metrics-is-a-list":    {missing: []string{"guilds"}},
		"malformed-snapshot-is-a-list":   {missing: []string{"guilds"}},
	}
}

func TestPythonBodiesAreReadAndHarmNobodyElse(t *testing.T) {
	expectations := pythonExpectations()
	p := newPlane(t)
	lease := p.join("healthy", "asia").Lease
	if got := p.beat("healthy", lease, snapshot(map[string]float64{"guilds": 9, "uptime_seconds": 5})); got.status != http.StatusNoContent {
		t.Fatalf("the healthy cluster: %d %s", got.status, got.body)
	}
	expectations["healthy"] = expectation{guilds: 9, known: []string{"guilds", "uptime_seconds"}}
	guilds := 9.0
	for name := range pythonBodies() {
		if _, ok := expectations[name]; !ok {
			t.Errorf("nothing is expected of %s", name)
		}
		guilds += expectations[name].guilds
		p.join(name, "asia")
		if got := p.ask(http.MethodPost, fleetapi.PathHeartbeat, "ingest", readBodyFile(t, name)); got.status != http.StatusNoContent {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	view := p.view() // is JSON, or this fails
	if view.Global.Guilds != guilds || view.Global.UptimeSeconds != 5 {
		t.Errorf("rolled up to %v guilds and %v s, want %v and 5", view.Global.Guilds, view.Global.UptimeSeconds, guilds)
	}
	if shown := len(view.Fleets[0].Clusters); shown != len(expectations) {
		t.Errorf("the view shows %d clusters, want %d", shown, len(expectations))
	}
	for _, c := range view.Fleets[0].Clusters {
		t.Run(c.Identity, func(t *testing.T) { expectations[c.Identity].check(t, c) })
	}
}

func (want expectation) check(t *testing.T, c fleetapi.Cluster) {
	t.Helper()
	if c.Status != fleetapi.StatusUp || c.Metrics.Guilds != want.guilds || c.Metrics.ErrorRate != want.errorRate || math.Abs(c.Metrics.DurationP95Seconds-want.p95) > 1e-9 {
		t.Errorf("%s, %+v", c.Status, c.Metrics)
	}
	if want.shards != nil && !slices.Equal(c.Shards, want.shards) {
		t.Errorf("shards %+v, want %+v", c.Shards, want.shards)
	}
	for _, key := range want.missing {
		if !slices.Contains(c.Missing, key) {
			t.Errorf("%s is not missing", key)
		}
	}
	for _, key := range want.known {
		if slices.Contains(c.Missing, key) {
			t.Errorf("%s is missing", key)
		}
	}
}
