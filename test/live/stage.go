// Package live is what whole-system tests share: a real cluster with the project's
// images in it, and ways to use it as a person does and to wait for what happens.
package live

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/hack/local"
)

const (
	// allTests is how long a package's tests may take in all.
	allTests = 40 * time.Minute
	// cleanUp is how long the cluster may take to go.
	cleanUp = 3 * time.Minute
)

// Stage is a cluster that a package's tests share.
type Stage struct {
	// Name of the cluster's instance.
	Name string
	// Older versions whose images are built from the same checkout, beside its own.
	Older []string
	// Prepare brings the cluster to where the first test begins; nil leaves it empty. Its
	// context lasts as long as the tests.
	Prepare func(context.Context, *Stage) error
	// Namespaces that are shown after a failure, beside the operator's.
	Namespaces []string
	// Log receives progress, and what a failure looks like.
	Log io.Writer

	// What a running stage has.

	// Root of the checkout, and the Version that it builds.
	Root, Version string
	// ImageSizes in bytes, as a registry would send them, by full name.
	ImageSizes map[string]int64
	// Kube is the cluster.
	Kube *cluster.Cluster
	// Kubectl is its administrator's.
	Kubectl local.Kubectl
	// API is a client without a cache, and Config how it reaches the cluster.
	API    client.WithWatch
	Config *rest.Config
}

// Main runs a package's tests on the stage, takes the cluster down however they went,
// and returns the exit status.
func (s *Stage) Main(m *testing.M) (code int) {
	log.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(context.Background(), allTests)
	defer cancel()
	defer func() {
		// Another context: the cluster goes down also when the tests ran out of time.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		if err := cluster.Down(ctx, s.options()); err != nil {
			fmt.Fprintln(s.Log, "taking the cluster down:", err)
			code = 1
		}
	}()
	if err := s.setUp(ctx); err != nil {
		fmt.Fprintln(s.Log, "setting up:", err)
		return 1
	}
	code = m.Run()
	if code != 0 {
		s.diagnose(ctx)
	}
	return code
}

func (s *Stage) options() cluster.Options {
	return cluster.Options{Name: s.Name, Level: cluster.Node, Install: true, Log: s.Log}
}

func (s *Stage) setUp(ctx context.Context) (err error) {
	if s.Root, err = local.Root(ctx); err != nil {
		return err
	}
	if s.Version, err = local.Version(s.Root); err != nil {
		return err
	}
	out, err := os.MkdirTemp("", "argus-images-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out) //nolint:errcheck // a directory of images in the temporary directory
	images, err := s.images(ctx, out)
	if err != nil {
		return err
	}
	if err := cluster.Down(ctx, s.options()); err != nil {
		return err
	}
	if s.Kube, err = cluster.Up(ctx, s.options()); err != nil {
		return err
	}
	s.Kubectl = local.KubectlFor(s.Kube)
	for _, image := range images {
		if err := s.Kube.LoadImage(ctx, image.Archive); err != nil {
			return err
		}
	}
	if err := s.connect(); err != nil {
		return err
	}
	if s.Prepare == nil {
		return nil
	}
	err = s.Prepare(ctx, s)
	if err != nil {
		s.Kubectl.Diagnose(ctx, s.Log, local.Namespace)
	}
	return err
}

// images builds the older versions first, so that bin/ holds the newest at the end.
func (s *Stage) images(ctx context.Context, out string) (all []local.Image, err error) {
	for _, version := range append(s.Older[:len(s.Older):len(s.Older)], s.Version) {
		builder := local.Builder{Root: s.Root, Version: version, Out: filepath.Join(out, version), Log: s.Log}
		images, err := builder.Images(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, images...)
	}
	s.ImageSizes = map[string]int64{}
	for _, image := range all {
		archive, err := os.Stat(image.Archive)
		if err != nil {
			return nil, err
		}
		s.ImageSizes[image.Ref] = archive.Size()
	}
	return all, nil
}

func (s *Stage) connect() error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	var err error
	if s.Config, err = clientcmd.BuildConfigFromFlags("", s.Kube.Kubeconfig); err != nil {
		return err
	}
	s.Config.QPS = -1 // tests look often
	s.API, err = client.NewWithWatch(s.Config, client.Options{Scheme: scheme})
	return err
}

// diagnose prints what a person needs who sees only the output of a failed run.
func (s *Stage) diagnose(ctx context.Context) {
	for _, namespace := range append([]string{local.Namespace}, s.Namespaces...) {
		s.Kubectl.Diagnose(ctx, s.Log, namespace)
	}
	logs, err := s.Kubectl.Output(ctx, "--namespace", local.Namespace, "logs", "--tail=60", "--prefix",
		"--selector=app.kubernetes.io/name=argus-operator")
	fmt.Fprintln(s.Log, logs, err)
}
