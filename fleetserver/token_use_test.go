package fleetserver

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// TestStatusTellsWhichTokenAMemberUses is how a rotation finds those who keep the old one.
func TestStatusTellsWhichTokenAMemberUses(t *testing.T) {
	const former = "former-secret" // what "rotated-out" presents
	p := newPlane(t, "ARGUS_FLEET_INGEST_TOKEN", tokens["ingest"]+","+former)
	newest, old := fleetapi.Fingerprint("pepper", "ingest", tokens["ingest"]), fleetapi.Fingerprint("pepper", "ingest", former)
	join := func(as, identity string) func() {
		return func() { p.ask(post, fleetapi.PathRegister, as, `{"identity": "`+identity+`"}`) }
	}
	beat := func(as, identity string) func() {
		return func() { p.ask(post, fleetapi.PathHeartbeat, as, `{"identity": "`+identity+`"}`) }
	}
	last := ""
	for _, tc := range []struct {
		name  string
		do    func()
		want  map[string]string
		moves bool
	}{
		{"a register counts", join("rotated-out", "a"), map[string]string{"a": old}, true},
		{"a beat with the same", beat("rotated-out", "a"), map[string]string{"a": old}, false},
		{"a beat with the new one", beat("ingest", "a"), map[string]string{"a": newest}, true},
		{"another member", join("rotated-out", "b"), map[string]string{"a": newest, "b": old}, true},
		{"a beat that is refused does not count", beat("wrong", "b"), map[string]string{"a": newest, "b": old}, false},
		{"nor does a stranger's", beat("ingest", "c"), map[string]string{"a": newest, "b": old}, false},
	} {
		tc.do()
		answer := p.ask(get, fleetapi.PathStatus, "viewer", "")
		var status fleetapi.Status
		p.decode(answer, &status)
		got := map[string]string{}
		for _, cluster := range status.Clusters {
			got[cluster.Identity] = cluster.Token
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
		etag := answer.header.Get("ETag")
		if (etag != last) != tc.moves {
			t.Errorf("%s: ETag %s -> %s, want moved: %v", tc.name, last, etag, tc.moves)
		}
		last = etag
	}
}

// TestATokenIsNotToldWhereItIsNotKnown leaves the field out rather than guess.
func TestATokenIsNotToldWhereItIsNotKnown(t *testing.T) {
	for sentence, tc := range map[string]struct {
		pepper  string
		restart bool
		want    string
	}{
		"while it is known":    {"pepper", false, fleetapi.Fingerprint("pepper", "ingest", tokens["ingest"])},
		"not after a restart":  {"pepper", true, ""},
		"not without a pepper": {"", false, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state.db")
			config := configOf(t, "ARGUS_FLEET_STATE", file, "ARGUS_FLEET_SECRET_PEPPER", tc.pepper)
			p := startPlane(t, config, newClock())
			p.join("a", "asia")
			if tc.restart {
				if err := p.server.Close(); err != nil {
					t.Fatal(err)
				}
				p = startPlane(t, config, p.clock)
			}
			var status fleetapi.Status
			p.get(fleetapi.PathStatus, &status)
			if len(status.Clusters) != 1 || status.Clusters[0].Token != tc.want {
				t.Errorf("clusters %+v, want one with token %q", status.Clusters, tc.want)
			}
		})
	}
}
