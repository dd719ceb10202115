package controllers

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// The two collectors share a registry, which takes no name twice: the operator would
// not start.
func TestTheMetricsHaveNamesOfTheirOwn(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := NewMetrics(registry); err != nil {
		t.Fatal(err)
	}
	if err := registry.Register(newObjectMetrics(fake.NewClientBuilder().Build(), make(chan struct{}))); err != nil {
		t.Error(err)
	}
}
