package store

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

func TestSignsOfLifeAsTheyAreStored(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want registry.Sign
		fail bool
	}{
		"with an on-time":                      {"2026-06-01T12:00:00.000001Z 1500000", registry.Sign{At: noon.Add(time.Microsecond), On: new(1500 * time.Millisecond)}, false},
		"from before the first start":          {"2026-06-01T12:00:00Z -3600000000", registry.Sign{At: noon, On: new(-time.Hour)}, false},
		"of a file of the first releases":      {"2026-06-01T12:00:00Z", registry.Sign{At: noon}, false},
		"with an on-time that is no number":    {"2026-06-01T12:00:00Z x", registry.Sign{At: noon}, false},
		"with an on-time that nobody lives":    {"2026-06-01T12:00:00Z 9223372036854775807", registry.Sign{At: noon}, false},
		"with one that no number can hold":     {"2026-06-01T12:00:00Z 92233720368547758080", registry.Sign{At: noon}, false},
		"without a time":                       {"1500000", registry.Sign{}, true},
		"that was never there":                 {"", registry.Sign{}, true},
		"with an on-time before its beginning": {"2026-06-01T12:00:00Z -9223372036854775808", registry.Sign{At: noon}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseSign([]byte(tc.text))
			if diff := cmp.Diff(tc.want, got); diff != "" || (err != nil) != tc.fail {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
			if err != nil {
				return
			}
			again, err := parseSign(signText(got))
			if diff := cmp.Diff(got, again); diff != "" || err != nil {
				t.Errorf("written and read again: %v (-want +got)\n%s", err, diff)
			}
		})
	}
}

// stored returns what a bucket holds of an identity.
func stored(t *testing.T, s *Store, bucket []byte, identity string) string {
	t.Helper()
	var text string
	if err := s.db.View(func(tx *bolt.Tx) error {
		text = string(tx.Bucket(bucket).Get([]byte(identity)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOfARetiredIdentityOnlyItsNumbersAreKept(t *testing.T) {
	s, _ := openTest(t, statePath(t))
	if err := put(s, record("a", 1), "asia", 1); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveSeen(map[string]registry.Sign{"a": {At: noon}}, registry.Sign{At: noon}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SaveValues(maps.All(map[string][]byte{"a": []byte("v")}), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	retired := registry.Record{Identity: "a", Fleet: "asia", Numbers: map[string]int{"asia": 1}, FirstSeen: noon, Registrations: 1, Retired: true, RetiredAt: noon}
	if err := put(s, retired, "", 0); err != nil {
		t.Fatal(err)
	}
	names := buckets()
	if seen, values := stored(t, s, names.seen, "a"), stored(t, s, names.values, "a"); seen != "" || values != "" {
		t.Errorf("kept: %q and %q", seen, values)
	}
	want := `{"identity":"a","fleet":"asia","numbers":{"asia":1},"first_seen":"2026-06-01T12:00:00Z","registrations":1,"retired":true,"retired_at":"2026-06-01T12:00:00Z"}`
	if got := stored(t, s, names.clusters, "a"); got != want {
		t.Errorf("the record is %s, want %s", got, want)
	}
}

// TestForgettingAnIdentityKeepsItsNumbersDrawn has a counter that lags behind,
// as no control plane leaves it: the record is the last that tells.
func TestForgettingAnIdentityKeepsItsNumbersDrawn(t *testing.T) {
	path := statePath(t)
	s, _ := openTest(t, path)
	moved := record("a", 7)
	moved.Numbers["europe"] = 3
	if err := put(s, moved, "asia", 2); err != nil {
		t.Fatal(err)
	}
	if err := s.submitAndWait(Write{Delete: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := s.submitAndWait(Write{Delete: "never there"}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	_, state := openTest(t, path)
	if diff := cmp.Diff(map[string]int{"asia": 7, "europe": 3}, state.Counters); diff != "" || len(state.Records) != 0 {
		t.Errorf("%d records; counters (-want +got)\n%s", len(state.Records), diff)
	}
}
