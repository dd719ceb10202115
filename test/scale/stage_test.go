//go:build scale

package scale

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/hack/local"
)

const (
	// namespace of everything that is measured.
	namespace = "scale"
	// nodes that kwok simulates.
	nodes = 10
	tick  = 100 * time.Millisecond
)

// stage is a Kubernetes whose nodes are simulated.
type stage struct {
	*testing.T
	ctx    context.Context
	kube   *cluster.Cluster
	root   string
	config *rest.Config
	api    client.Client
}

// newStage brings up a new Kubernetes with the project's kinds, which goes with the test.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, ctx: t.Context()}
	options := cluster.Options{Name: "scale", Level: cluster.ControlPlane, Log: os.Stderr}
	down := func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s.must(cluster.Down(ctx, options))
	}
	down()
	t.Cleanup(down)
	var err error
	s.root, err = local.Root(s.ctx)
	s.must(err)
	s.kube, err = cluster.Up(s.ctx, options)
	s.must(err)
	s.config, err = clientcmd.BuildConfigFromFlags("", s.kube.Kubeconfig)
	s.must(err)
	s.config.QPS = -1 // nobody holds us back but the server
	s.api, err = client.New(s.config, client.Options{Scheme: scheme})
	s.must(err)
	_, err = envtest.InstallCRDs(s.config, envtest.CRDInstallOptions{Paths: []string{filepath.Join(s.root, "config", "crd", "bases")}})
	s.must(err)
	s.startScheduler()
	s.startNodes()
	s.must(s.api.Create(s.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	s.eventually(time.Minute, func() string {
		return s.missing("default", &corev1.ServiceAccount{})
	})
	s.awaitCollector()
	return s
}

// awaitCollector waits until the garbage collector follows the project's kinds, as in every
// cluster that has had them for half a minute: until then it asks the API server for the
// owner of each object. Only a collector that sees an object ends its deletion in the foreground.
func (s *stage) awaitCollector() {
	s.Helper()
	for _, probe := range []client.Object{newFleet(), newBots(1, v1alpha1.GateReady)[0][1]} {
		s.must(s.api.Create(s.ctx, probe))
		s.must(s.api.Delete(s.ctx, probe, client.PropagationPolicy(metav1.DeletePropagationForeground)))
		s.eventually(2*time.Minute, func() string {
			if err := s.api.Get(s.ctx, client.ObjectKeyFromObject(probe), probe); !apierrors.IsNotFound(err) {
				return fmt.Sprintf("the garbage collector has not seen %T: %v", probe, err)
			}
			return ""
		})
	}
}

func (s *stage) startScheduler() {
	s.Helper()
	start(s.T, "kube-scheduler", filepath.Join(s.kube.BinDir, "kube-scheduler"), []string{
		"--kubeconfig=" + s.kube.Kubeconfig, "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=2000", "--kube-api-burst=4000",
	}, nil)
}

// kwokSettings let kwok play as many pods at once as the API server takes. What a file
// with settings leaves out is 0 to it.
const kwokSettings = `apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options:
  manageAllNodes: true
  nodeLeaseDurationSeconds: 40
  nodeLeaseParallelism: 4
  nodePlayStageParallelism: 4
  podPlayStageParallelism: 16
  podsOnNodeSyncParallelism: 1
  cidr: 10.128.0.0/12
`

// startNodes starts kwok with its own stages, in which a pod is ready as soon as it
// has a node, and waits until its nodes are.
func (s *stage) startNodes() {
	s.Helper()
	kwok, err := local.Tool(s.ctx, s.root, "kwok", "kwok")
	s.must(err)
	settings := filepath.Join(s.TempDir(), "kwok.yaml")
	s.must(os.WriteFile(settings, []byte(kwokSettings), 0o600))
	args := []string{"--kubeconfig=" + s.kube.Kubeconfig, "--config=" + settings}
	stages := filepath.Join(s.kwokModule(), "kustomize", "stage")
	for _, pattern := range []string{"node/fast/node-*.yaml", "node/heartbeat-with-lease/node-*.yaml", "pod/fast/pod-*.yaml"} {
		files, err := filepath.Glob(filepath.Join(stages, pattern))
		s.must(err)
		if len(files) == 0 {
			s.Fatalf("kwok's module has no %s", pattern)
		}
		for _, file := range files {
			args = append(args, "--config="+file)
		}
	}
	player := start(s.T, "kwok", kwok, args, nil)
	for i := range nodes {
		s.must(s.api.Create(s.ctx, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("simulated-%d", i)},
			Status:     corev1.NodeStatus{Capacity: room(), Allocatable: room()},
		}))
	}
	s.eventually(time.Minute, func() string {
		if player.hasEnded() {
			s.Fatal("kwok has ended")
		}
		return s.unreadyNodes()
	})
}

// room is what a node has: enough for all.
func room() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("10k"), corev1.ResourceMemory: resource.MustParse("100Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Ti"), corev1.ResourcePods: resource.MustParse("100k"),
	}
}

// kwokModule is where the sources of the pinned kwok are.
func (s *stage) kwokModule() string {
	s.Helper()
	list := exec.CommandContext(s.ctx, "go", "list", "-modfile=hack/tools/kwok.mod", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")
	list.Dir = s.root
	printed, err := list.Output()
	s.must(err)
	return strings.TrimSpace(string(printed))
}

func (s *stage) unreadyNodes() string {
	var list corev1.NodeList
	if err := s.api.List(s.ctx, &list); err != nil {
		return err.Error()
	}
	ready := 0
	for i := range list.Items {
		for _, condition := range list.Items[i].Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(list.Items[i].Spec.Taints) == 0 {
				ready++
			}
		}
	}
	if ready < nodes {
		return fmt.Sprintf("%d of %d nodes are ready", ready, nodes)
	}
	return ""
}

// provide makes a volume, which a control plane's claim is bound to.
func (s *stage) provide() {
	s.Helper()
	s.must(s.api.Create(s.ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "state"},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("100Gi")},
			AccessModes:            []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
		},
	}))
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) missing(name string, object client.Object) string {
	if err := s.api.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		return err.Error()
	}
	return ""
}

// eventually waits until check returns "", or fails the test with what it says.
func (s *stage) eventually(patience time.Duration, check func() string) {
	s.Helper()
	deadline := time.Now().Add(patience)
	problem := check()
	for problem != "" && time.Now().Before(deadline) {
		time.Sleep(tick)
		problem = check()
	}
	if problem != "" {
		s.Fatalf("still after %s: %s", patience, problem)
	}
}
