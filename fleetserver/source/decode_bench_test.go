package source

import (
	"encoding/json"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/sample"
)

// BenchmarkDecodeHeartbeat is what the choice of the decoder rests on; see
// docs/decisions. "quick" is what runs, "walk" the scanner without its short cut
// for the usual spelling, "tree" the reference that both are fuzzed against.
// The other two are encoding/json as one would use it first: they take neither
// Python's NaN nor one odd sample, so they are here for comparison only.
func BenchmarkDecodeHeartbeat(b *testing.B) {
	for name, decode := range map[string]func(b *testing.B, body []byte){
		"quick": func(b *testing.B, body []byte) {
			b.Helper()
			if _, sure := scanHeartbeat(body, "discord", nil); !sure {
				b.Fatal("not sure")
			}
		},
		"walk": func(b *testing.B, body []byte) {
			b.Helper()
			s := newBeatScan(body, "discord")
			s.plain = false
			if !s.members(0, s.top) {
				b.Fatal("not sure")
			}
		},
		"tree": func(b *testing.B, body []byte) {
			b.Helper()
			if _, err := decodeTree(body, "discord", nil); err != nil {
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

// The benchmark and the table of `make bench` are about the short cut, so it has
// to be taken.
func TestSampleHeartbeatsAreReadOnTheQuickWay(t *testing.T) {
	for name, shape := range map[string]sample.Shape{"lean": sample.Lean(), "real": sample.Real()} {
		t.Run(name, func(t *testing.T) {
			body := shape.Heartbeat("asia-0", "lease", 3)
			if !printable(body) {
				t.Error("the body is not plain")
			}
			want, err := decodeTree(body, "discord", nil)
			if err != nil {
				t.Fatal(err)
			}
			got, sure := scanHeartbeat(body, "discord", nil)
			if !sure {
				t.Fatal("the scanner is not sure")
			}
			if diff := sameReading(want, got); diff != "" {
				t.Errorf("(-tree +scan)\n%s", diff)
			}
		})
	}
}

func TestQuickNumbersAreThoseOfStrconv(t *testing.T) {
	for text, ok := range map[string]bool{
		"0": true, "0.0": true, "7": true, "1.5": true, "0.1": true, "1374.0": true, "123456789012345": true, "0.12345678901234": true,
		"01": false, "00.5": false, "1.": false, ".5": false, "": false, "-1": false, "1e3": false, "NaN": false, "1234567890123456": false, "1.2.3": false,
	} {
		b := newBeatScan([]byte(text+"}"), "discord")
		got, sure := b.quickNumber()
		if sure != ok {
			t.Errorf("%q: sure %t, want %t", text, sure, ok)
		}
		want, _ := number(json.RawMessage(text))
		if sure && got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
