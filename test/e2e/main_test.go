//go:build e2e

// Package e2e runs the project as its users do: a real cluster with a real
// kubelet, the operator installed by its Helm chart, and kubectl. Nothing is
// simulated but Discord.
//
// The tests run in the order of their files' names and share one cluster; those
// of the main scenario share the namespace that the first of them fills.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/hack/local"
)

// What all tests share.
var (
	kube    *cluster.Cluster
	kubectl local.Kubectl
	api     client.Client
	version string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	log.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Minute)
	defer cancel()
	options := cluster.Options{Name: "e2e", Level: cluster.Node, Install: true, Log: os.Stderr}
	defer func() {
		// Another context: the cluster goes down also when the tests ran out of time.
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		if err := cluster.Down(ctx, options); err != nil {
			fmt.Fprintln(os.Stderr, "taking the cluster down:", err)
			code = 1
		}
	}()
	if err := setUp(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "setting up:", err)
		return 1
	}
	code = m.Run()
	if code != 0 {
		diagnose(ctx)
	}
	return code
}

func setUp(ctx context.Context, options cluster.Options) (err error) {
	root, err := local.Root(ctx)
	if err != nil {
		return err
	}
	if version, err = local.Version(root); err != nil {
		return err
	}
	out, err := os.MkdirTemp("", "argus-e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out) //nolint:errcheck // a directory of images in the temporary directory
	images, err := local.BuildImages(ctx, root, out, os.Stderr)
	if err != nil {
		return err
	}
	if err := cluster.Down(ctx, options); err != nil {
		return err
	}
	if kube, err = cluster.Up(ctx, options); err != nil {
		return err
	}
	kubectl = local.KubectlFor(kube)
	for _, image := range images {
		if err := kube.LoadImage(ctx, image.Archive); err != nil {
			return err
		}
	}
	if err := local.InstallOperator(ctx, kube); err != nil {
		kubectl.Diagnose(ctx, os.Stderr, local.Namespace)
		return err
	}
	return connect()
}

func connect() error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	config, err := clientcmd.BuildConfigFromFlags("", kube.Kubeconfig)
	if err != nil {
		return err
	}
	api, err = client.New(config, client.Options{Scheme: scheme})
	return err
}

// diagnose prints what a person needs who sees only the output of a failed run.
func diagnose(ctx context.Context) {
	for _, namespace := range []string{local.Namespace, mainNamespace} {
		kubectl.Diagnose(ctx, os.Stderr, namespace)
	}
	logs, err := kubectl.Output(ctx, "--namespace", local.Namespace, "logs", "--tail=60", "--prefix",
		"--selector=app.kubernetes.io/name=argus-operator")
	fmt.Fprintln(os.Stderr, logs, err)
}
