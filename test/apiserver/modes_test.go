//go:build apiserver

package apiserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// cable connects an operator to its API server, and can be cut: what is under way
// breaks, and nothing gets through until it is mended.
type cable struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, errors.New("the cable is cut")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// over is a configuration whose connections go through the cable.
func (c *cable) over(config *rest.Config) *rest.Config {
	own := rest.CopyConfig(config)
	own.Dial = c.dial
	return own
}

// rendered are the objects of the chart for some namespaces, in which the operator
// needs no ClusterRole.
func rendered(t *testing.T, namespaces ...string) []*unstructured.Unstructured {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "tool", "-modfile=hack/tools/helm.mod", "helm", "template", "argus-operator",
		"charts/argus-operator", "--namespace", "argus-system", "--set", "crds.install=false",
		"--set", "watchNamespaces={"+strings.Join(namespaces, ",")+"}")
	command.Dir = "../.."
	output, err := command.Output()
	if err != nil {
		t.Fatalf("rendering the chart: %v", err)
	}
	var objects []*unstructured.Unstructured
	for document := range strings.SplitSeq(string(output), "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), object); err != nil {
			t.Fatal(err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
	return objects
}

// refusals see which requests the API server forbids, and which are not of a namespace.
type refusals struct {
	mu                   sync.Mutex
	forbidden, clusterly []string
}

func (r *refusals) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err == nil && response.StatusCode == http.StatusForbidden {
			r.forbidden = append(r.forbidden, request.Method+" "+request.URL.Path)
		}
		// What is longer than /apis/group/version is a resource.
		if path := strings.Split(strings.Trim(request.URL.Path, "/"), "/"); len(path) > 3 && !slices.Contains(path, "namespaces") {
			r.clusterly = append(r.clusterly, request.Method+" "+request.URL.Path)
		}
		return response, err
	})
}

// An operator that watches some namespaces works with the Roles that the chart makes
// for them, and asks for nothing beyond.
func TestNamespacedModeWorksWithRolesOnly(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	w := newWorldOn(t, server.api)
	system := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "argus-system"}}
	if err := w.api.Create(w.ctx, system); err != nil {
		t.Fatal(err)
	}
	for _, object := range rendered(t, w.namespace) {
		if strings.HasPrefix(object.GetKind(), "Cluster") {
			t.Fatalf("namespaced mode renders %s %s", object.GetKind(), object.GetName())
		}
		if slices.Contains([]string{"Role", "RoleBinding", "ServiceAccount"}, object.GetKind()) {
			if err := w.api.Create(w.ctx, object); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := &refusals{}
	limited := rest.CopyConfig(server.config)
	limited.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:argus-system:argus-operator",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:argus-system", "system:authenticated"},
	}
	limited.WrapTransport = transport.Wrappers(seen.wrap)
	o, err := startOperatorWith(t.Context(), newFakeFleets(), operatorOptions{
		config: limited, namespaces: []string{w.namespace}, leases: "argus-system", connect: planes.connect,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer o.stop()
	elsewhere := newWorldOn(t, server.api)
	elsewhere.create(newFleet("main"))
	o.fleets.set(w.namespace, upCluster("mybot-0", 1, 1, 1))
	fleet, bot := newFleet("main"), newBot("mybot", "main", 1, 1)
	fleet.Spec.OnDelete = ptr.To(v1alpha1.OnDeleteRetire)
	fleet.Spec.ServiceMonitor = &v1alpha1.MonitorObject{}
	fleet.Spec.Ingress = &v1alpha1.FleetIngress{Host: "fleet.example.com", TLSSecretRef: &v1alpha1.LocalRef{Name: "cert"}}
	w.create(discordSecret(), fleet, bot)
	for _, name := range []string{"main-fleet", "mybot-bot-0"} {
		w.playKubelet(name, true)
	}
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.waitFinalizer(bot, true)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Ingress, f.Spec.OnDelete = nil, nil })
	w.waitFinalizer(bot, false)
	o.settled(w)
	if elsewhere.exists("main-fleet", &corev1.Service{}) == "" {
		t.Error("the operator acted in a namespace that it is not to watch")
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if len(seen.forbidden) > 0 || len(seen.clusterly) > 0 {
		t.Errorf("forbidden:\n%s\ncluster-wide:\n%s", strings.Join(seen.forbidden, "\n"), strings.Join(seen.clusterly, "\n"))
	}
}

// settled waits until an operator has not written for two seconds.
func (o *runningOperator) settled(w *world) {
	w.Helper()
	w.eventually(func() string {
		return silent(2*time.Second, func() int { return len(notLease(o.writes.in(w.namespace))) })
	})
}

// notLease drops the writes of leader election and those of events, whose series may
// go on with another reporter.
func notLease(requests []string) []string {
	return slices.DeleteFunc(slices.Clone(requests), func(request string) bool {
		return strings.Contains(request, "/leases") || strings.Contains(request, "/events")
	})
}

// When the leading replica is gone without a word the other takes over, goes on where
// the first one stopped, and writes nothing a second time.
func TestTheOtherReplicaTakesOver(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	w := newWorldOn(t, server.api)
	fleets := newFakeFleets()
	cables := []*cable{{}, {}}
	var replicas []*runningOperator
	for _, line := range cables {
		o, err := startOperatorWith(t.Context(), fleets, operatorOptions{
			config: line.over(server.config), namespaces: []string{w.namespace}, leases: w.namespace,
		})
		if err != nil {
			t.Fatal(err)
		}
		replicas = append(replicas, o)
		w.eventually(func() string { return w.exists("argus-operator", &coordinationv1.Lease{}) }) // the first one leads
	}
	fleet := newFleet("main")
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	replicas[0].settled(w)
	if written := notLease(replicas[1].writes.in(w.namespace)); len(written) > 0 {
		t.Errorf("the replica that does not lead has written:\n%s", strings.Join(written, "\n"))
	}

	cables[0].set(true)
	cut := time.Now()
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Image = new(otherImage) })
	w.eventually(func() string {
		if imageOf(w, "main-fleet") != otherImage {
			return "nobody has taken over"
		}
		return ""
	})
	t.Logf("taken over after %s", time.Since(cut).Round(time.Millisecond))
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	if err := <-replicas[0].done; err == nil {
		t.Error("a leader that has lost its lease goes on")
	}
	cables[0].set(false)
	replicas[1].settled(w)
	for _, request := range notLease(replicas[1].writes.in(w.namespace)) {
		if !strings.Contains(request, "/deployments/main-fleet") && !strings.Contains(request, "/argusfleets/main/status") {
			t.Errorf("the new leader has written what stood already: %s", request)
		}
	}
	replicas[1].stop()
}

// Without its API server the operator waits, and goes on when it is back.
func TestTheOperatorOutlivesItsAPIServer(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	w := newWorldOn(t, server.api)
	line := &cable{}
	o, err := startOperatorWith(t.Context(), newFakeFleets(), operatorOptions{config: line.over(server.config), namespaces: []string{w.namespace}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.stop()
	fleet := newFleet("main")
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)

	line.set(true)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Image = new(otherImage) })
	change(w, "main-fleet", &corev1.Service{}, func(s *corev1.Service) { s.Spec.Ports[0].Port = 1234 })
	select {
	case err := <-o.done:
		t.Fatalf("the operator ended: %v", err)
	case <-time.After(outage):
	}
	if imageOf(w, "main-fleet") == otherImage {
		t.Fatal("the cable leaks")
	}
	line.set(false)
	w.eventually(func() string {
		if imageOf(w, "main-fleet") != otherImage || get(w, "main-fleet", &corev1.Service{}).Spec.Ports[0].Port == 1234 {
			return "what changed meanwhile is not put right"
		}
		return ""
	})
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	var deployments appsv1.DeploymentList
	if err := w.api.List(w.ctx, &deployments, client.InNamespace(w.namespace)); err != nil || len(deployments.Items) != 1 {
		t.Errorf("%d Deployments: %v", len(deployments.Items), err)
	}
}
