package source

import (
	"encoding/json"
	"testing"

	"github.com/valyala/fastjson"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/sample"
)

// BenchmarkDecodeHeartbeat is what the choice of the decoder rests on; see
// docs/decisions. "quick" is what runs, "walk" the scanner without its short cut
// for the usual spelling, "tree" the reference that both are fuzzed against. The
// others are for comparison only, for none of them does what is asked for:
// encoding/json takes no NaN, and of fastjson's two readings of a key that stands
// twice neither is Python's. encoding/json/v2 is behind an experiment.
func BenchmarkDecodeHeartbeat(b *testing.B) {
	scan := newBeatScan()
	var parser fastjson.Parser
	for name, decode := range map[string]func(b *testing.B, body []byte){
		"quick": func(b *testing.B, body []byte) {
			b.Helper()
			if _, sure := scan.heartbeat(body, "discord", nil); !sure {
				b.Fatal("not sure")
			}
		},
		"walk": func(b *testing.B, body []byte) {
			b.Helper()
			scan.begin(body, "discord", nil)
			scan.plain = false
			if !scan.members(0, scan.onTop) {
				b.Fatal("not sure")
			}
		},
		"tree": func(b *testing.B, body []byte) {
			b.Helper()
			if _, err := decodeTree(body, "discord", nil); err != nil {
				b.Fatal(err)
			}
		},
		"fastjson, parsed": func(b *testing.B, body []byte) {
			b.Helper()
			if _, err := parser.ParseBytes(body); err != nil {
				b.Fatal(err)
			}
		},
		"fastjson, read": func(b *testing.B, body []byte) {
			b.Helper()
			if _, err := readFastJSON(&parser, body, "discord_"); err != nil {
				b.Fatal(err)
			}
		},
		"encoding/json into structs": func(b *testing.B, body []byte) {
			b.Helper()
			var beat fleetapi.HeartbeatRequest
			if err := json.Unmarshal(body, &beat); err != nil {
				b.Fatal(err)
			}
		},
		"encoding/json into any": func(b *testing.B, body []byte) {
			b.Helper()
			var beat any
			if err := json.Unmarshal(body, &beat); err != nil {
				b.Fatal(err)
			}
		},
	} {
		for size, shape := range map[string]sample.Shape{"lean": sample.Lean(), "real": sample.Real()} {
			body := shape.Heartbeat("asia-0", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG", 1)
			b.Run(size+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					decode(b, body)
				}
			})
		}
	}
}

// readFastJSON is what a decoder on top of fastjson would be at least.
func readFastJSON(parser *fastjson.Parser, body []byte, prefix string) (Heartbeat, error) {
	root, err := parser.ParseBytes(body)
	if err != nil {
		return Heartbeat{}, err
	}
	reading := newReading()
	root.GetObject("snapshot", "metrics").Visit(func(family []byte, of *fastjson.Value) {
		if short, ours := cutPrefix(family, prefix); ours {
			reading.family(short)
		}
		for _, sample := range of.GetArray("samples") {
			name, ours := cutPrefix(sample.GetStringBytes("name"), prefix)
			m := metricOf(name)
			if !ours || m == otherMetric {
				continue
			}
			var label []byte
			if m.label() != "" {
				label = sample.GetStringBytes("labels", m.label())
			}
			reading.add(m, label, sample.GetFloat64("value"))
		}
	})
	return Heartbeat{
		Identity: string(root.GetStringBytes("identity")), Lease: string(root.GetStringBytes("lease")), Reading: reading.finish(),
	}, nil
}

// The comparison is fair: both read the same.
func TestFastJSONReadsWhatTheScannerReads(t *testing.T) {
	for name, shape := range map[string]sample.Shape{"lean": sample.Lean(), "real": sample.Real()} {
		t.Run(name, func(t *testing.T) {
			body := shape.Heartbeat("asia-0", "lease", 3)
			want, err := DecodeHeartbeat(body, "discord")
			if err != nil {
				t.Fatal(err)
			}
			got, err := readFastJSON(&fastjson.Parser{}, body, "discord_")
			if err != nil {
				t.Fatal(err)
			}
			if diff := sameReading(want, got); diff != "" {
				t.Errorf("(-scanner +fastjson)\n%s", diff)
			}
		})
	}
}

// TestFastJSONIsNoDecoderForHeartbeats keeps the reasons of docs/decisions honest:
// should one of them go, the choice may be looked at again.
func TestFastJSONIsNoDecoderForHeartbeats(t *testing.T) {
	var parser fastjson.Parser
	if twice, err := parser.Parse(`{"identity": "a", "identity": "b"}`); err != nil || string(twice.GetStringBytes("identity")) != "a" {
		t.Errorf("of a key that stands twice the first one does not count any more: %v %v", twice, err)
	}
	for body, accepted := range map[string]bool{
		`{"x": NaN}`: true, `{"x": Infinity}`: false, `{"x": -Infinity}`: false, `{"x": 01}`: true, `{"x": 1.2.3}`: true, "{\"x\": \"\xff\"}": true,
	} {
		if _, err := parser.Parse(body); (err == nil) != accepted {
			t.Errorf("%s is accepted: %t, want %t (%v)", body, err == nil, accepted, err)
		}
	}
}
