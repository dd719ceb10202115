package source

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValuesOutliveTheProcess(t *testing.T) {
	p := newPusher(t)
	lines := append(totals(1, 10, 5, 0), line{"shard_up", `"shard": "0"`, "1"}, line{"guilds", ``, "12"})
	want := p.push(0, lines...)
	p.p.Begin("silent", 1)
	encoded := maps.Collect(p.p.Saved())
	if len(encoded) != 1 {
		t.Fatalf("%d saved, want only the one with values", len(encoded))
	}
	again := NewPush(p.c.now)
	again.Load("a", 1, encoded["a"])
	if diff := cmp.Diff(want, again.Values("a"), cmp.AllowUnexported(Values{}, pair{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again.Load("other process", 2, encoded["a"])
	again.Load("rubbish", 1, []byte("{"))
	for _, identity := range []string{"other process", "rubbish"} {
		if got := again.Values(identity); !got.At.IsZero() {
			t.Errorf("%s has values: %+v", identity, got)
		}
	}
}
