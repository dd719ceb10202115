// Package localtest is what tests share that work on a local cluster.
package localtest

import (
	"context"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

// ControlPlane runs a Kubernetes without a node until the test ends. The name tells it
// from those of other packages, whose tests may run at the same time.
func ControlPlane(t *testing.T, name string) *cluster.Cluster {
	t.Helper()
	options := cluster.Options{Name: name, Level: cluster.ControlPlane, Log: t.Output()}
	t.Cleanup(func() {
		// What was half started goes too, and the test's own context has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
		defer cancel()
		if err := cluster.Down(ctx, options); err != nil {
			t.Errorf("taking the control plane down: %v", err)
		}
	})
	c, err := cluster.Up(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
