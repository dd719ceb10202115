//go:build scale

// Package scale runs the operator over very many bots: on a real API server, with the
// real controller manager and scheduler, and with nodes that kwok simulates. What a
// pod's process would do towards the control plane, one process does for all of them.
package scale

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

var scheme = runtime.NewScheme()

// TestMain runs the tests, or the operator in a process of its own, whose memory is
// then nobody else's.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			fmt.Fprintln(os.Stderr, "registering kinds:", err)
			return 1
		}
	}
	if os.Getenv(envOperator) == "" {
		log.SetLogger(logr.Discard())
		return m.Run()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := operate(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		return 1
	}
	return 0
}
