//go:build apiserver

package apiserver

import (
	"cmp"
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
	setup  operatorSetup
	// parent outlives each test; the operator runs in a child of it.
	parent  context.Context
	cancel  context.CancelFunc
	done    chan error
	options operatorOptions
}

// operatorOptions make an operator another one than cmd/manager's defaults do.
type operatorOptions struct {
	// config reaches the API server; nil is the tests' own.
	config *rest.Config
	// namespaces to act in; none means all.
	namespaces []string
	// leases, if given, has it elected among others: the namespace of the Lease.
	leases string
	// connect makes clients of control planes; nil finds none.
	connect func(url string, options fleetapi.ClientOptions) (*fleetapi.Client, error)
	// setup is what a test may change at a restart.
	setup operatorSetup
}

// startOperator starts an operator and waits until its caches are filled.
// startOperator starts the operator of this package's tests.
func startOperator(ctx context.Context, fleets *fakeFleets, setup operatorSetup) (*runningOperator, error) {
	return startOperatorWith(ctx, fleets, operatorOptions{connect: planes.connect, setup: setup})
}

func startOperatorWith(ctx context.Context, fleets *fakeFleets, options operatorOptions) (*runningOperator, error) {
	if options.setup.clock == nil {
		options.setup.clock = &offsetClock{}
	}
	o := &runningOperator{writes: &writeCounter{}, fleets: fleets, setup: options.setup, parent: ctx, done: make(chan error, 1), options: options}
	own := rest.CopyConfig(cmp.Or(options.config, config))
	own.UserAgent = "argus-operator"
	own.QPS, own.Burst = 1000, 2000
	own.Wrap(func(next http.RoundTripper) http.RoundTripper { return o.writes.wrap(o.setup.life.wrap(next)) })
	mgr, err := ctrl.NewManager(own, managerOptions(options))
	if err != nil {
		return nil, err
	}
	ctx, o.cancel = context.WithCancel(ctx)
	if err := o.addControllers(ctx, mgr); err != nil {
		return nil, err
	}
	go func() { o.done <- mgr.Start(ctx) }()
	if options.leases == "" && !mgr.GetCache().WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("the operator's caches were not filled")
	}
	return o, nil
}

func managerOptions(options operatorOptions) ctrl.Options {
	return ctrl.Options{
		Scheme:                  scheme,
		Cache:                   controllers.CacheOptions(options.namespaces),
		Client:                  controllers.ClientOptions(),
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		Controller:              controllerconfig.Controller{SkipNameValidation: ptr.To(true)},
		GracefulShutdownTimeout: ptr.To(5 * time.Second),
		LeaderElection:          options.leases != "",
		LeaderElectionID:        "argus-operator",
		LeaderElectionNamespace: options.leases,
		LeaseDuration:           ptr.To(4 * time.Second),
		RenewDeadline:           ptr.To(3 * time.Second),
		RetryPeriod:             ptr.To(500 * time.Millisecond),
	}
}

func (o *runningOperator) addControllers(ctx context.Context, mgr ctrl.Manager) error {
	metrics, err := controllers.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		return err
	}
	kinds, err := controllers.NewOptionalKinds(mgr, o.options.namespaces, time.Second)
	if err != nil {
		return err
	}
	if err := mgr.Add(kinds); err != nil {
		return err
	}
	reader := kinds.Client(mgr.GetClient())
	base := controllers.Base{
		Client:  reader,
		Applier: apply.New(reader, mgr.GetAPIReader(), metrics.Wrote),
		Fleets:  o.fleets,
		Kinds:   kinds,
		Events:  mgr.GetEventRecorder("argus-operator"),
		Metrics: metrics,
		Options: manifests.Options{
			FleetImage: fleetImage, OperatorNamespace: "argus-system",
			OperatorLabels: map[string]string{"app.kubernetes.io/name": "argus-operator"},
		},
		Now: o.setup.clock.now,
	}
	fleets := &controllers.ArgusFleetReconciler{Base: base, Random: rand.Reader, RotationGrace: rotationGrace}
	if err := fleets.SetupWithManager(mgr, make(chan event.GenericEvent)); err != nil {
		return err
	}
	return (&controllers.ArgusBotReconciler{Base: base, Connect: o.options.connect, Forms: o.setup.forms}).SetupWithManager(ctx, mgr, make(chan event.GenericEvent))
}

// restart stops the operator and returns another one with the same control planes.
func (o *runningOperator) restart() (*runningOperator, error) {
	o.stop()
	o.options.setup = o.setup
	return startOperatorWith(o.parent, o.fleets, o.options)
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
	// read counts by resource; total counts everything in namespaces but leader election.
	read  map[string]int
	total int
}

func (c *writeCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		c.count(request)
		return next.RoundTrip(request)
	})
}

func (c *writeCounter) count(request *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Contains(request.URL.Path, "/namespaces/") && !strings.Contains(request.URL.Path, "/leases/") {
		c.total++
	}
	if request.Method != http.MethodGet {
		c.requests = append(c.requests, request.Method+" "+request.URL.Path)
		return
	}
	// .../namespaces/<namespace>/<resource>/<name>
	if _, rest, ok := strings.Cut(request.URL.Path, "/namespaces/"); ok {
		if parts := strings.Split(rest, "/"); len(parts) > 2 {
			if c.read == nil {
				c.read = map[string]int{}
			}
			c.read[parts[1]]++
		}
	}
}

// reads counts how often objects of a resource were read by name.
func (c *writeCounter) reads(resource string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read[resource]
}

// all counts every request in a namespace.
func (c *writeCounter) all() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
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
	// real are those of a namespace whose control plane is a real one.
	real map[string]controllers.Fleets
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
func (f *fakeFleets) Answer(source controllers.FleetSource, interval time.Duration, asker controllers.Asker) controllers.FleetAnswer {
	f.mu.Lock()
	reader := f.real[source.Namespace]
	f.mu.Unlock()
	if reader != nil {
		return reader.Answer(source, interval, asker)
	}
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
