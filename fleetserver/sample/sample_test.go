package sample

import (
	"encoding/json"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// The sizes are those of recorded members: 5,392 and 48,565 bytes of snapshot, 42 and 355 samples.
func TestShapesHaveTheSizeOfRealMembers(t *testing.T) {
	for name, tc := range map[string]struct {
		shape   Shape
		size    int
		samples int
	}{
		"lean": {Lean(), 5_392, 42},
		"real": {Real(), 48_565, 355},
	} {
		t.Run(name, func(t *testing.T) {
			body := tc.shape.Heartbeat("asia-0", "lease", 1)
			if off := len(body) - tc.size; off < -tc.size/20 || off > tc.size/20 {
				t.Errorf("%d bytes, want %d within 5 %%", len(body), tc.size)
			}
			var beat fleetapi.HeartbeatRequest
			if err := json.Unmarshal(body, &beat); err != nil {
				t.Fatal(err)
			}
			samples := 0
			for _, family := range beat.Snapshot.Metrics {
				samples += len(family.Samples)
			}
			if samples != tc.samples {
				t.Errorf("%d samples, want %d", samples, tc.samples)
			}
		})
	}
}
