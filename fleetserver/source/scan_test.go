package source

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// member writes a heartbeat as a real bot does: 4 shards, commands that are
// used with both outcomes, a histogram of each, and the process's own metrics.
func member(usedCommands int) []byte {
	var b strings.Builder
	b.WriteString(`{"identity": "asia-0", "lease": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG", "snapshot": {"metrics": {`)
	family := func(name, kind string, samples ...string) {
		fmt.Fprintf(&b, `"%s": {"type": "%s", "samples": [%s]}, `, name, kind, strings.Join(samples, ", "))
	}
	sample := func(name, labels, value string) string {
		return fmt.Sprintf(`{"name": "%s", "labels": {%s}, "value": %s}`, name, labels, value)
	}
	var latency, up, counted, durations, own []string
	for shard := range 4 {
		label := fmt.Sprintf(`"shard": "%d"`, shard)
		latency = append(latency, sample("discord_shard_latency_seconds", label, "0.0547"))
		up = append(up, sample("discord_shard_up", label, "1.0"))
	}
	for i := range usedCommands {
		for _, status := range []string{"success", "error"} {
			labels := fmt.Sprintf(`"command": "command-%d", "status": "%s", "cluster": "asia-0"`, i, status)
			counted = append(counted, sample("discord_app_commands_total", labels, "1376.0"), sample("discord_app_commands_created", labels, "1780000000.123"))
		}
		for n, le := range []string{"0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"} {
			labels := fmt.Sprintf(`"command": "command-%d", "cluster": "asia-0", "le": "%s"`, i, le)
			durations = append(durations, sample("discord_app_command_duration_seconds_bucket", labels, fmt.Sprintf("%d.0", 100*n)))
		}
	}
	for i := range 30 {
		own = append(own, sample("process_something_total", `"generation": "1"`, fmt.Sprintf("%d.5", i)))
	}
	family("discord_shard_latency_seconds", "gauge", latency...)
	family("discord_shard_up", "gauge", up...)
	family("discord_guilds", "gauge", sample("discord_guilds", `"cluster": "asia-0"`, "1874.0"))
	family("discord_app_commands", "counter", counted...)
	family("discord_app_command_duration_seconds", "histogram", durations...)
	family("discord_ratelimits", "counter")
	family("process", "gauge", own...)
	return []byte(strings.TrimSuffix(b.String(), ", ") + `}}}`)
}

// sameReading compares what two decoders make of a body. Sums may be added up
// in another order.
func sameReading(want, got Heartbeat) string {
	return cmp.Diff(want, got,
		cmp.AllowUnexported(Reading{}, optional{}, counters{}, histogram{}, bucket{}), cmpopts.IgnoreFields(Reading{}, "shards"),
		cmp.Comparer(func(a, b float64) bool {
			return a == b || (math.IsNaN(a) && math.IsNaN(b)) || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
		}))
}

// manyFamilies are members of an object that each count as contributing.
func manyFamilies(count int) string {
	families := make([]string, 0, count)
	for i := range count {
		families = append(families, fmt.Sprintf(`"discord_%d": {"samples": [{"name": "discord_guilds", "value": %d}]}`, i, i))
	}
	return strings.Join(families, ", ")
}

func TestWhatMembersSendIsScannedAndReadAsTheTreeIs(t *testing.T) {
	for name, body := range map[string]string{
		"a bot":                       string(member(20)),
		"a bot without spaces":        strings.ReplaceAll(string(member(3)), " ", ""),
		"a bot with line breaks":      strings.ReplaceAll(string(member(3)), ", ", ",\n\t"),
		"no snapshot":                 `{"identity": "a"}`,
		"an empty object":             `{}`,
		"more families than usual":    `{"snapshot": {"metrics": {` + manyFamilies(3*usualFamilies) + `}}}`,
		"Python's literals":           `{"identity": "a", "x": [NaN, Infinity, -Infinity], "snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "value": NaN}, {"name": "discord_guilds", "value": -Infinity}]}}}}`,
		"escapes in what is a value":  `{"identity": "a\n\u00e9\ud83d\ude00", "lease": "\/", "snapshot": {"metrics": {"f": {"type": "\"", "samples": [{"name": "discord_shard_up", "labels": {"shard": "\u0031", "x": "\\"}, "value": 1}]}}}}`,
		"samples that are no objects": `{"snapshot": {"metrics": {"f": {"samples": [1, null, "x", [], {"name": 7}]}}}}`,
		"labels that are no object":   `{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "labels": [], "value": 2}]}}}}`,
		"numbers of all kinds":        `{"identity": 7, "lease": -0.5e-3, "snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "value": 1E2}, {"name": "discord_guilds", "value": "3"}, {"name": "discord_guilds", "value": 1e999}]}}}}`,
		"texts like literals":         `{"identity": "India-0", "lease": "NaN", "snapshot": {"metrics": {"f": {"samples": [{"name": "discord_shard_up", "labels": {"shard": "I"}, "value": 1.0}]}}}}`,
		"other keys around":           `{"a": {"b": [[], {}]}, "identity": "a", "snapshot": {"x": 1, "metrics": {}, "y": [true, false, null]}, "z": 0}`,
	} {
		t.Run(name, func(t *testing.T) {
			want, err := decodeTree([]byte(body), "discord", nil)
			if err != nil {
				t.Fatal(err)
			}
			got, sure := newBeatScan().heartbeat([]byte(body), "discord", nil)
			if !sure {
				t.Fatal("the scanner is not sure")
			}
			if diff := sameReading(want, got); diff != "" {
				t.Errorf("(-tree +scan)\n%s", diff)
			}
		})
	}
}

func TestTheScannerLeavesWhatIsOddToTheTree(t *testing.T) {
	for name, body := range map[string]string{
		"two identities":             `{"identity": "a", "identity": "b"}`,
		"two snapshots":              `{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "value": 2}]}}}, "snapshot": null}`,
		"two of many families":       `{"snapshot": {"metrics": {` + manyFamilies(usualFamilies+9) + `, "discord_3": {}}}}`,
		"two late ones of many":      `{"snapshot": {"metrics": {` + manyFamilies(usualFamilies+9) + fmt.Sprintf(`, "discord_%d": {}}}}`, usualFamilies+5),
		"two families of one name":   `{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "value": 2}]}, "f": {}}}}`,
		"two lists of samples":       `{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "value": 2}], "samples": []}}}}`,
		"two values":                 `{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "value": 2, "value": 3}]}}}}`,
		"two labels":                 `{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_shard_up", "labels": {"shard": "1", "shard": "2"}, "value": 3}]}}}}`,
		"an escape in a key":         `{"\u0069dentity": "a"}`,
		"an escape in a name":        `{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guil\u0064s", "value": 2}]}}}}`,
		"a literal as identity":      `{"identity": NaN}`,
		"a family that is no object": `{"snapshot": {"metrics": {"f": 1}}}`,
		"not JSON":                   `{"identity": "a", "x": tru}`,
		"a number that is none":      `{"identity": "a", "x": 01}`,
		"a bad escape":               `{"identity": "a", "x": "\x"}`,
		"a raw line break":           "{\"identity\": \"a\nb\"}",
		"two documents":              `{} {}`,
		"a trailing comma":           `{"identity": "a",}`,
		"no UTF-8":                   "{\"identity\": \"\xff\"}",
		"nothing":                    ``,
	} {
		t.Run(name, func(t *testing.T) {
			if got, sure := newBeatScan().heartbeat([]byte(body), "discord", nil); sure {
				t.Errorf("the scanner is sure of %+v", got)
			}
		})
	}
}

// FuzzScanHeartbeat holds the scanner to the tree: whenever it is sure, both
// read the same.
func FuzzScanHeartbeat(f *testing.F) {
	f.Add(member(1))
	f.Add([]byte(`{"identity": "a", "snapshot": {"metrics": {"f": {"samples": [{"name": "discord_shard_up", "labels": {"shard": 0}, "value": "1"}]}}}}`))
	f.Add([]byte(`{"identity": -Infinity, "lease": true, "snapshot": {"metrics": null}}`))
	f.Add([]byte(`{"snapshot": {"metrics": {"discord_ratelimits": {}, "discord_ratelimits": 1}}}`))
	f.Add([]byte(`{"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_app_command_duration_seconds_bucket", "labels": {"le": "+Inf"}, "value": 1}]}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, sure := newBeatScan().heartbeat(body, "discord", nil)
		if !sure {
			return
		}
		want, err := decodeTree(body, "discord", nil)
		if err != nil {
			t.Fatalf("the scanner is sure of what is no heartbeat: %v", err)
		}
		if diff := sameReading(want, got); diff != "" {
			t.Fatalf("(-tree +scan)\n%s", diff)
		}
	})
}
