//go:build apiserver

package apiserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	controllerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/event"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/argus-dev/argus-operator/controllers"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

const fleetImage = "example.com/argus-fleet:v1"

// runningOperator is the operator as cmd/manager wires it, with its requests
// counted and with control planes that answer what a test says.
type runningOperator struct {
	writes *writeCounter
	fleets *fakeFleets
	// parent outlives each test; the operator runs in a child of it.
	parent context.Context
	cancel context.CancelFunc
	done   chan error
}

// startOperator starts an operator and waits until its caches are filled.
func startOperator(ctx context.Context, fleets *fakeFleets) (*runningOperator, error) {
	o := &runningOperator{writes: &writeCounter{}, fleets: fleets, parent: ctx, done: make(chan error, 1)}
	own := rest.CopyConfig(config)
	own.UserAgent = "argus-operator"
	own.QPS, own.Burst = 200, 400
	own.WrapTransport = o.writes.wrap
	grace := 5 * time.Second
	mgr, err := ctrl.NewManager(own, ctrl.Options{
		Scheme:                  scheme,
		Cache:                   controllers.CacheOptions(nil),
		Client:                  controllers.ClientOptions(),
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		Controller:              controllerconfig.Controller{SkipNameValidation: ptr.To(true)},
		GracefulShutdownTimeout: &grace,
	})
	if err != nil {
		return nil, err
	}
	ctx, o.cancel = context.WithCancel(ctx)
	if err := o.addControllers(ctx, mgr); err != nil {
		return nil, err
	}
	go func() { o.done <- mgr.Start(ctx) }()
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("the operator's caches were not filled")
	}
	return o, nil
}

func (o *runningOperator) addControllers(ctx context.Context, mgr ctrl.Manager) error {
	metrics, err := controllers.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		return err
	}
	base := controllers.Base{
		Client:  mgr.GetClient(),
		Applier: apply.New(mgr.GetClient(), mgr.GetAPIReader(), metrics.Wrote),
		Fleets:  o.fleets,
		Events:  mgr.GetEventRecorder("argus-operator"),
		Metrics: metrics,
		Options: manifests.Options{
			FleetImage: fleetImage, OperatorNamespace: "argus-system",
			OperatorLabels: map[string]string{"app.kubernetes.io/name": "argus-operator"},
		},
		Now: time.Now,
	}
	if err := (&controllers.ArgusFleetReconciler{Base: base, Random: rand.Reader}).SetupWithManager(mgr, make(chan event.GenericEvent)); err != nil {
		return err
	}
	return (&controllers.ArgusBotReconciler{Base: base}).SetupWithManager(ctx, mgr, make(chan event.GenericEvent))
}

// restart stops the operator and returns another one with the same control planes.
func (o *runningOperator) restart() (*runningOperator, error) {
	o.stop()
	return startOperator(o.parent, o.fleets)
}

func (o *runningOperator) stop() {
	o.cancel()
	if err := <-o.done; err != nil {
		fmt.Println("the operator ended with:", err)
	}
}

// writeCounter sees every request of the operator that writes, dry runs included.
type writeCounter struct {
	mu       sync.Mutex
	requests []string
}

func (c *writeCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.Method != http.MethodGet {
			c.mu.Lock()
			c.requests = append(c.requests, request.Method+" "+request.URL.Path)
			c.mu.Unlock()
		}
		return next.RoundTrip(request)
	})
}

// in lists the writes to objects of a namespace so far.
func (c *writeCounter) in(namespace string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []string
	for _, request := range c.requests {
		if strings.Contains(request, "/namespaces/"+namespace+"/") {
			found = append(found, request)
		}
	}
	return found
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// fakeFleets are the control planes of all tests, by namespace.
type fakeFleets struct {
	mu       sync.Mutex
	clusters map[string][]fleetapi.ClusterStatus
	asked    map[string]int
	failing  map[string]error
}

func (f *fakeFleets) set(namespace string, clusters ...fleetapi.ClusterStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clusters == nil {
		f.clusters = map[string][]fleetapi.ClusterStatus{}
	}
	f.clusters[namespace] = clusters
}

func (f *fakeFleets) fail(namespace string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing == nil {
		f.failing = map[string]error{}
	}
	f.failing[namespace] = err
}

// asks counts how often the control planes of a namespace have been read.
func (f *fakeFleets) asks(namespace string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[namespace]
}

func (f *fakeFleets) read(namespace string) ([]fleetapi.ClusterStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil {
		f.asked = map[string]int{}
	}
	f.asked[namespace]++
	return f.clusters[namespace], f.failing[namespace]
}

// Answer is what a test has set, at once.
func (f *fakeFleets) Answer(source controllers.FleetSource, _ time.Duration, _ controllers.Asker) controllers.FleetAnswer {
	clusters, err := f.read(source.Namespace)
	if err != nil {
		return controllers.FleetAnswer{Asked: true, Err: err}
	}
	status := &fleetapi.Status{Version: "v1"}
	for _, cluster := range clusters {
		if strings.HasPrefix(cluster.Identity, source.Prefix) {
			status.Clusters = append(status.Clusters, cluster)
		}
	}
	return controllers.FleetAnswer{Asked: true, Status: status}
}
