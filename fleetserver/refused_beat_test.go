package fleetserver

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// TestTheSnapshotOfARefusedBeatIsNotDecoded: that is most of the work, and who
// is refused must not have it done.
func TestTheSnapshotOfARefusedBeatIsNotDecoded(t *testing.T) {
	p := newPlane(t, "ARGUS_FLEET_REQUIRE_LEASE", "1")
	lease := p.join("a", "asia").Lease
	for name, tc := range map[string]struct {
		identity, lease string
		decoded         bool
	}{
		"an unknown identity":          {"ghost", lease, false},
		"a lease of somebody else":     {"a", "stolen", false},
		"a member of the fleet":        {"a", lease, true},
		"a member that names no lease": {"a", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"identity": "` + tc.identity + `", "lease": "` + tc.lease + `", "snapshot": ` + snapshot(map[string]float64{"guilds": 3}) + `}`
			r := httptest.NewRequest(post, fleetapi.PathHeartbeat, strings.NewReader(body))
			r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, &exchange{maxBody: 1 << 20}))
			q, err := p.server.heartbeatBody(r)
			if err != nil || q.Identity != tc.identity {
				t.Fatalf("%+v, %v", q, err)
			}
			if (q.Reading != nil) != tc.decoded {
				t.Errorf("decoded %v, want %v", q.Reading != nil, tc.decoded)
			}
		})
	}
}
