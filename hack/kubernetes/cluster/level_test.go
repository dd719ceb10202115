//go:build node

package cluster

import (
	"strings"
	"testing"
)

// TestLevelIsKept refuses to turn a control plane into a node.
func TestLevelIsKept(t *testing.T) {
	opts := Options{Name: "selftest-level", Level: ControlPlane, Log: testLog{t}}
	fresh(t, opts)
	up(t, opts)
	opts.Level = Node
	if _, err := Up(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "already exists at level control-plane") {
		t.Errorf("up at another level: error %v, want it to name the level", err)
	}
}
