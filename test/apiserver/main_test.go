//go:build apiserver

// Package apiserver tests the operator against a real kube-apiserver and etcd:
// admission by the schema, ownership, server-side apply, watches and status. There
// is no kubelet and no controller-manager here, so the tests play those: they say
// when a Deployment is available.
package apiserver

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/test/shard"
)

// What all tests of the package share: one API server, one admin client, one
// running operator. Each test has a namespace of its own.
var (
	scheme   = runtime.NewScheme()
	config   *rest.Config
	admin    client.Client
	operator *runningOperator
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", waiting); err != nil { // before the command line is read
		fmt.Fprintln(os.Stderr, "setting the number of parallel tests:", err)
		os.Exit(1)
	}
	os.Exit(shard.Main(m, os.Stderr, run))
}

// waiting is how many tests run at once: they wait more than they compute, so more of them than
// there are processors. A -parallel on the command line wins.
const waiting = "6"

func run(m *testing.M) int {
	if err := refuseShard(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	log.SetLogger(logr.Discard())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, err := start(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting the API server:", err)
		return 1
	}
	defer stop()
	return checkSamples(m.Run())
}

func start(ctx context.Context) (stop func(), err error) {
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	server, err := startServer(ctx)
	if err != nil {
		return nil, err
	}
	config, admin = server.config, server.api
	if operator, err = startOperator(ctx, newFakeFleets(), operatorSetup{clock: &offsetClock{}}); err != nil {
		server.stop()
		return nil, err
	}
	return func() { operator.stop(); server.stop() }, nil
}

// apiServer is a kube-apiserver with its etcd and the project's CRDs.
type apiServer struct {
	config *rest.Config
	api    client.Client
	stop   func()
}

func startServer(ctx context.Context) (*apiServer, error) {
	binaries, err := cluster.Binaries(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: binaries,
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	server := &apiServer{stop: func() {
		if err := environment.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the API server:", err)
		}
	}}
	if server.config, err = environment.Start(); err != nil {
		server.stop() // it may run, and have refused a CRD
		return nil, err
	}
	if server.api, err = client.New(server.config, client.Options{Scheme: scheme}); err != nil {
		server.stop()
		return nil, err
	}
	return server, nil
}

// ownServer is an API server that no operator of other tests works on. It ends with the test.
func ownServer(t *testing.T) *apiServer {
	t.Helper()
	server, err := startServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.stop)
	return server
}
