//go:build e2e

// Package e2e runs the project as its users do: a real cluster with a real
// kubelet, the operator installed by its Helm chart, and kubectl. Nothing is
// simulated but Discord.
//
// The tests run in the order of their files' names and share one cluster; those
// of the main scenario share the namespace that the first of them fills. Those with a
// namespace or a bot of their own (g_*) run at once, after the others.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/hack/local"
	"github.com/argus-dev/argus-operator/test/live"
)

// stage is what all tests share.
var stage = &live.Stage{Name: "e2e", Namespaces: []string{mainNamespace, botsNamespace}, Log: os.Stderr, Prepare: prepare}

// The parts of the stage, under shorter names.
var (
	kube    *cluster.Cluster
	kubectl local.Kubectl
	api     client.Client
	// restConfig is how api reaches the cluster.
	restConfig *rest.Config
	version    string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// waiting is how many tests run at once: they wait for pods more than they compute.
const waiting = "12"

func run(m *testing.M) int {
	if err := flag.Set("test.parallel", waiting); err != nil {
		fmt.Fprintln(os.Stderr, "setting the number of parallel tests:", err)
		return 1
	}
	return stage.Main(m)
}

func prepare(ctx context.Context, s *live.Stage) error {
	kube, kubectl, api, restConfig, version = s.Kube, s.Kubectl, s.API, s.Config, s.Version
	if err := local.InstallOperator(ctx, kube); err != nil {
		return err
	}
	go node.watch(ctx)
	return nil
}
