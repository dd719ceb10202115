//go:build apiserver

package apiserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	controllerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/event"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
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

// startOperator starts the operator of this package's tests and waits until its caches
// are filled.
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
	own.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return o.writes.wrap(o.setup.life.wrap(o.setup.pods.wrap(next)))
	})
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
		LeaseDuration:           ptr.To(20 * time.Second),
		RenewDeadline:           ptr.To(15 * time.Second),
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
	return (&controllers.ArgusBotReconciler{Base: base, Connect: o.options.connect, Forms: o.setup.forms}).SetupWithManager(ctx, mgr, o.fleets.wake)
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
	// read are resource and name of what was read.
	read map[string]bool
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
	if request.Method != http.MethodGet {
		c.requests = append(c.requests, request.Method+" "+request.URL.Path)
		return
	}
	// .../namespaces/<namespace>/<resource>/<name>
	if _, rest, ok := strings.Cut(request.URL.Path, "/namespaces/"); ok {
		if parts := strings.Split(rest, "/"); len(parts) > 2 {
			if c.read == nil {
				c.read = map[string]bool{}
			}
			c.read[parts[1]+"/"+parts[2]] = true
		}
	}
}

// hasRead tells whether an object of a resource was read by name.
func (c *writeCounter) hasRead(resource, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read[resource+"/"+name]
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
	// asked counts by namespace how often each object has asked.
	asked   map[string]map[string]int
	failing map[string]error
	// unread are those that have not been read yet, as after a restart of the operator.
	unread map[string]bool
	// real are those of a namespace whose control plane is a real one.
	real map[string]controllers.Fleets
	// askers are the bots of a namespace that have asked, and roused when they were last
	// told of news, through wake.
	askers map[string]map[string]bool
	roused map[string]time.Time
	wake   chan event.GenericEvent
}

func newFakeFleets() *fakeFleets {
	return &fakeFleets{
		clusters: map[string][]fleetapi.ClusterStatus{}, asked: map[string]map[string]int{}, failing: map[string]error{}, unread: map[string]bool{},
		real: map[string]controllers.Fleets{}, askers: map[string]map[string]bool{}, roused: map[string]time.Time{},
		wake: make(chan event.GenericEvent, 1000),
	}
}

func (f *fakeFleets) set(namespace string, clusters ...fleetapi.ClusterStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clusters[namespace] = clusters
	f.rouse(namespace)
}

// rouse has the bots of a namespace look again, as often as a poller reads.
func (f *fakeFleets) rouse(namespace string) {
	if now := time.Now(); now.Sub(f.roused[namespace]) > time.Second {
		f.roused[namespace] = now
		for name := range f.askers[namespace] {
			select {
			case f.wake <- event.GenericEvent{Object: &v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}}:
			default: // no operator hears of it now
			}
		}
	}
}

func (f *fakeFleets) fail(namespace string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing[namespace] = err
	f.rouse(namespace)
}

// reading tells whether those of a namespace have yet to be read.
func (f *fakeFleets) reading(namespace string, unread bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unread[namespace] = unread
}

// asks tells how often each object of a namespace has asked, and gives its bots an
// occasion to ask again.
func (f *fakeFleets) asks(namespace string) map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rouse(namespace)
	return maps.Clone(f.asked[namespace])
}

func (f *fakeFleets) read(namespace string) ([]fleetapi.ClusterStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clusters[namespace], f.failing[namespace]
}

// Answer is what a test has set, at once.
func (f *fakeFleets) Answer(source controllers.FleetSource, interval time.Duration, asker controllers.Asker) controllers.FleetAnswer {
	f.mu.Lock()
	reader, unread := f.real[source.Namespace], f.unread[source.Namespace]
	if f.asked[asker.Namespace] == nil {
		f.asked[asker.Namespace] = map[string]int{}
	}
	f.asked[asker.Namespace][asker.Kind+" "+asker.Name]++
	if asker.Kind == v1alpha1.KindArgusBot {
		if f.askers[asker.Namespace] == nil {
			f.askers[asker.Namespace] = map[string]bool{}
		}
		f.askers[asker.Namespace][asker.Name] = true
	}
	f.mu.Unlock()
	if reader != nil {
		return reader.Answer(source, interval, asker)
	}
	clusters, err := f.read(source.Namespace)
	if unread {
		return controllers.FleetAnswer{}
	}
	if err != nil {
		return controllers.FleetAnswer{Asked: true, Err: err}
	}
	status := &fleetapi.Status{Version: "v1"}
	for _, cluster := range clusters {
		if strings.HasPrefix(cluster.Identity, source.Prefix) {
			status.Clusters = append(status.Clusters, cluster)
		}
	}
	return controllers.FleetAnswer{Asked: true, At: time.Now(), Status: status}
}
