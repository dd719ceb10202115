package source

import (
	"encoding/json"
	"testing"

	"github.com/argus-dev/argus-operator/fleetserver/sample"
)

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
			got, sure := newBeatScan().heartbeat(body, "discord", nil)
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
		b := newBeatScan()
		b.begin([]byte(text+"}"), "discord", nil)
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

// What the short cut does not know is read by strconv, without leaving the usual way.
func TestTheNumberOfASampleMayHaveAnyLength(t *testing.T) {
	for text, ok := range map[string]bool{
		"7.0": true, "0.09610999999999999": true, "-1": true, "1e3": true, "1.5E-7": true, "12345678901234567890": true,
		"01": false, "1.": false, "-": false, "": false, "NaN": false, "-Infinity": false, "1e999": false, `"3"`: false, "1 ": false,
	} {
		b := newBeatScan()
		b.begin([]byte(text+"}"), "discord", nil)
		b.quick.metric = guilds
		got, sure := b.quickValue()
		if sure != ok {
			t.Errorf("%q: sure %t, want %t", text, sure, ok)
		}
		want, _ := number(json.RawMessage(text))
		if sure && (got != want || b.pos != len(text)) {
			t.Errorf("%q: %v up to %d, want %v", text, got, b.pos, want)
		}
	}
}

// A decoder serves one member after the other, so nothing of one body may show
// in what is read from the next.
func TestADecoderForgetsTheBodyBefore(t *testing.T) {
	bodies := []string{
		string(sample.Real().Heartbeat("asia-0", "lease", 1)),
		`{"snapshot": {"metrics": {` + manyFamilies(2*usualFamilies) + `}}}`,
		`{"identity": "cut off", "lease": "x", "snapshot": {"metrics": {"discord_ratelimits": {"samples": [`,
		`{}`, `[]`, `{"identity": "\u0061"}`,
		`{"snapshot": {"metrics": {"discord_ratelimits": {}}}, "identity": "b", "lease": "y"}`,
		string(sample.Lean().Heartbeat("asia-1", "", 2)),
	}
	var decoder Decoder
	for _, prefix := range []string{"discord", "bot"} {
		for i, body := range append(bodies, bodies...) {
			want, wantErr := DecodeHeartbeat([]byte(body), prefix)
			got, err := decoder.Heartbeat([]byte(body), prefix, nil)
			if diff := sameReading(want, got); diff != "" || (err == nil) != (wantErr == nil) {
				t.Errorf("body %d, %s: %v, want %v (-fresh +used)\n%s", i, prefix, err, wantErr, diff)
			}
		}
	}
}
