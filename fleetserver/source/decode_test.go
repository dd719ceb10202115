package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestDecodeHeartbeat(t *testing.T) {
	for name, tc := range map[string]struct {
		body     string
		err      error
		identity string
		lease    string
		reading  bool
	}{
		"a plain beat":                             {`{"identity": "a", "lease": "l", "snapshot": {"metrics": {}}}`, nil, "a", "l", true},
		"no snapshot":                              {`{"identity": "a"}`, nil, "a", "", false},
		"a snapshot that is no object":             {`{"identity": "a", "snapshot": 7}`, nil, "a", "", false},
		"a snapshot that is null":                  {`{"identity": "a", "snapshot": null}`, nil, "a", "", false},
		"metrics that are a list":                  {`{"identity": "a", "snapshot": {"metrics": []}}`, nil, "a", "", false},
		"a family that is a number":                {`{"identity": "a", "snapshot": {"metrics": {"f": 1}}}`, nil, "a", "", true},
		"samples that are no objects":              {`{"identity": "a", "snapshot": {"metrics": {"f": {"samples": [1, null, "x", []]}}}}`, nil, "a", "", true},
		"labels that are a list":                   {`{"identity": "a", "snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "labels": [], "value": 1}]}}}}`, nil, "a", "", true},
		"Python's literals":                        {`{"identity": "a", "x": [NaN, Infinity, -Infinity], "snapshot": {"metrics": {}}}`, nil, "a", "", true},
		"Python's words in a string are text":      {`{"identity": "NaN -Infinity \" Infinity"}`, nil, `NaN -Infinity " Infinity`, "", false},
		"the last of two keys counts":              {`{"identity": "a", "identity": "b"}`, nil, "b", "", false},
		"keys are exact":                           {`{"Identity": "a", "identity": "b", "IDENTITY": "c"}`, nil, "b", "", false},
		"a number is text":                         {`{"identity": 7}`, nil, "7", "", false},
		"zero, false, null and {} are nothing":     {`{"identity": 0, "lease": false}`, nil, "", "", false},
		"an object is nothing":                     {`{"identity": {"a": 1}}`, nil, "", "", false},
		"a lone surrogate in a lease does no harm": {`{"identity": "a", "lease": "\ud800"}`, nil, "a", "\ufffd", false},
		"an empty body":                            {``, ErrNotJSON, "", "", false},
		"not JSON":                                 {`{"identity": `, ErrNotJSON, "", "", false},
		"two objects":                              {`{} {}`, ErrNotJSON, "", "", false},
		"a word that begins like Python's":         {`{"identity": NaNa}`, ErrNotJSON, "", "", false},
		"a list":                                   {`[1]`, ErrNotObject, "", "", false},
		"null":                                     {`null`, ErrNotObject, "", "", false},
		"a bare NaN":                               {`NaN`, ErrNotObject, "", "", false},
		"bytes that are no UTF-8":                  {"{\"identity\": \"\xff\"}", ErrNotJSON, "", "", false},
		"deep nesting":                             {`{"identity": "a", "x": ` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, ErrNotJSON, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeHeartbeat([]byte(tc.body), "discord")
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if got.Identity != tc.identity || got.Lease != tc.lease || (got.Reading != nil) != tc.reading {
				t.Errorf("identity %q lease %q reading %v, want %q %q %v", got.Identity, got.Lease, got.Reading != nil, tc.identity, tc.lease, tc.reading)
			}
		})
	}
}

func TestOneOddSampleCostsOnlyItself(t *testing.T) {
	got := read(t,
		line{"shard_up", `"shard": {"x": 1}`, "1"},
		line{"shard_up", `"shard": [1]`, "1e400"},
		line{"guilds", `"cluster": 5`, "3"})
	if got.guilds.value != 3 || got.shardsUp.value != 1 {
		t.Errorf("guilds %v, shards up %v; want 3 and 1", got.guilds.value, got.shardsUp.value)
	}
}

func TestFamiliesCountWithAndWithoutTotal(t *testing.T) {
	for _, name := range []string{"discord_interactions", "discord_interactions_total"} {
		beat, err := DecodeHeartbeat(beatJSON(`{"metrics": {"`+name+`": {"type": "counter", "samples": []}}}`), "discord")
		if err != nil || !beat.Reading.counters.hasInteractions {
			t.Errorf("family %s without samples: not seen (%v)", name, err)
		}
	}
}

func TestDecodeBeginning(t *testing.T) {
	filler := `"snapshot": {"metrics": {"` + strings.Repeat("x", 1<<20)
	for name, tc := range map[string]struct {
		body string
		want Heartbeat
		ok   bool
	}{
		"identity and lease in front":      {`{"identity": "a", "lease": "l", ` + filler, Heartbeat{Identity: "a", Lease: "l"}, true},
		"the identity behind the snapshot": {`{` + filler + `"}}, "identity": "a"}`, Heartbeat{}, false},
		"no object":                        {`[` + filler, Heartbeat{}, false},
		"nothing":                          {``, Heartbeat{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := DecodeBeginning([]byte(tc.body))
			if got != tc.want || ok != tc.ok {
				t.Errorf("%+v %v, want %+v %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

func TestTheSnapshotOfASenderWhoIsNotWantedIsLeftOut(t *testing.T) {
	const snapshot = `"snapshot": {"metrics": {"f": {"samples": [{"name": "discord_guilds", "value": 2}]}}}`
	for name, body := range map[string]string{
		"the sender in front":    `{"identity": "a", "lease": "l", ` + snapshot + `}`,
		"the sender behind":      `{` + snapshot + `, "lease": "l", "identity": "a"}`,
		"the sender around":      `{"identity": "a", ` + snapshot + `, "lease": "l"}`,
		"the last sender counts": `{"identity": "b", "lease": "x", ` + snapshot + `, "identity": "a", "lease": "l"}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, want := range []bool{true, false} {
				var last Heartbeat
				got, err := new(Decoder).Heartbeat([]byte(body), "discord", func(identity, lease string) bool {
					last = Heartbeat{Identity: identity, Lease: lease}
					return want
				})
				if err != nil || got.Identity != "a" || got.Lease != "l" || last.Identity != "a" || last.Lease != "l" {
					t.Fatalf("%+v, %v, last asked for %+v", got, err, last)
				}
				if want != (got.Reading != nil) || (want && got.Reading.guilds.value != 2) {
					t.Errorf("wanted %v, reading %+v", want, got.Reading)
				}
			}
		})
	}
}

// TestManyFamiliesAreReadInOnePass sends what took minutes while each family
// was searched for in a list of all.
func TestManyFamiliesAreReadInOnePass(t *testing.T) {
	var families strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&families, `"discord_%06d": {}, `, i)
	}
	body := beatJSON(`{"metrics": {` + families.String() + `"f": {"samples": [{"name": "discord_guilds", "value": 2}]}}}`)
	started := time.Now()
	beat, sure := newBeatScan().heartbeat(body, "discord", nil)
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if !sure || beat.Reading.guilds.value != 2 {
		t.Errorf("sure %v, reading %+v", sure, beat.Reading)
	}
}

func FuzzDecodeHeartbeat(f *testing.F) {
	f.Add(beatJSON(snapshotJSON("discord", line{"guilds", ``, "1"}, line{"shard_up", `"shard": 1`, "NaN"})))
	f.Add([]byte(`{"identity": "a", "snapshot": {"metrics": {"x": {"samples": [{"value": -Infinity}]}}}}`))
	f.Add([]byte(`{"identity": "\ud800", "lease": 1e999}`))
	f.Add([]byte("[[[[NaN"))
	f.Fuzz(func(t *testing.T, body []byte) {
		DecodeBeginning(body)
		beat, err := DecodeHeartbeat(body, "discord")
		if err != nil {
			if !errors.Is(err, ErrNotJSON) && !errors.Is(err, ErrNotObject) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if json.Valid(body) {
			var strict map[string]json.RawMessage // its numbers may be more than a float64 holds
			if json.Unmarshal(body, &strict) != nil {
				t.Fatal("accepted what is no object")
			}
		}
		if beat.Reading != nil {
			checkFinite(t, beat.Reading)
		}
	})
}

func checkFinite(t *testing.T, reading *Reading) {
	t.Helper()
	p := NewPush((&clock{}).now)
	for range 2 {
		p.Observe("a", 1, reading)
	}
	v := p.Values("a")
	if _, err := json.Marshal(v.Metrics); err != nil {
		t.Fatalf("values are not finite: %v", err)
	}
	var group Group
	group.Add(v)
	group.Add(v)
	if _, err := json.Marshal(group.Rollup()); err != nil {
		t.Fatalf("roll-up is not finite: %v", err)
	}
	for _, shard := range v.Shards {
		if math.IsNaN(shard.LatencySeconds) || shard.ID == "" {
			t.Fatalf("odd shard %+v", shard)
		}
	}
}
