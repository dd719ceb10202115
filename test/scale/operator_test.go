//go:build scale

package scale

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/argus-dev/argus-operator/controllers"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// What the operator's process is told.
const (
	envOperator = "ARGUS_SCALE_OPERATOR" // where it serves its metrics
	envPlane    = "ARGUS_SCALE_PLANE"    // the address of the control plane
	envProfiles = "ARGUS_SCALE_PROFILES" // a directory for profiles; empty for none

	userAgent = "argus-operator"
)

// operate is the operator as cmd/manager runs it, except that it finds the control
// plane, which no cluster network leads to, on this machine.
func operate(ctx context.Context) error {
	ctrl.SetLogger(logr.Discard())
	debug.SetGCPercent(controllers.CollectorPercent)
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.UserAgent = userAgent
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Cache: controllers.CacheOptions(nil), Client: controllers.ClientOptions(),
		HealthProbeBindAddress: "0",
		Metrics:                metricsserver.Options{BindAddress: os.Getenv(envOperator)},
	})
	if err != nil {
		return err
	}
	err = controllers.Setup(ctx, mgr, controllers.Settings{
		KindsInterval: controllers.DefaultKindsInterval,
		Manifests: manifests.Options{
			FleetImage: "example.com/argus-fleet:v1", OperatorNamespace: "argus-system",
			OperatorLabels: map[string]string{"app.kubernetes.io/name": "argus-operator"},
		},
		Registry: metrics.Registry,
		Detour:   func(fleets controllers.Fleets) controllers.Fleets { return detour{fleets, os.Getenv(envPlane)} },
	})
	if err != nil {
		return err
	}
	finish, err := profile(os.Getenv(envProfiles))
	if err != nil {
		return err
	}
	return errors.Join(mgr.Start(ctx), finish())
}

// detour reads the control plane at one address, wherever it is said to be.
type detour struct {
	controllers.Fleets
	url string
}

// Answer implements controllers.Fleets.
func (d detour) Answer(source controllers.FleetSource, interval time.Duration, asker controllers.Asker) controllers.FleetAnswer {
	source.URL = d.url
	return d.Fleets.Answer(source, interval, asker)
}

// profile records where the processor's time and the memory go, until finish.
func profile(directory string) (finish func() error, err error) {
	if directory == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	processor, err := os.Create(filepath.Join(directory, "cpu-"+stamp+".pprof"))
	if err != nil {
		return nil, err
	}
	memory, err := os.Create(filepath.Join(directory, "heap-"+stamp+".pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(processor); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		runtime.GC()
		return errors.Join(pprof.WriteHeapProfile(memory), processor.Close(), memory.Close())
	}, nil
}

// operator is its process.
type operator struct {
	*process
	metrics string
	// since is when it was started.
	since time.Time
}

// startOperator starts the operator, which reads the control plane at the address.
func (s *stage) startOperator(plane string) *operator {
	s.Helper()
	listener, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", "127.0.0.1:0")
	s.must(err)
	address := listener.Addr().String()
	s.must(listener.Close())
	self, err := os.Executable()
	s.must(err)
	o := &operator{metrics: "http://" + address + "/metrics", since: time.Now()}
	o.process = start(s.T, "operator", self, nil, []string{
		"KUBECONFIG=" + s.kube.Kubeconfig, envOperator + "=" + address, envPlane + "=" + plane, envProfiles + "=" + *profiles,
	})
	return o
}

// sum adds up the samples of a family whose labels have the given values.
func (o *operator) sum(ctx context.Context, family string, labels map[string]string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.metrics, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0, fmt.Errorf("reading the operator's metrics: %w", err)
	}
	sum := 0.0
	for _, metric := range families[family].GetMetric() {
		if has(metric, labels) {
			sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return sum, nil
}

func has(metric *dto.Metric, labels map[string]string) bool {
	for name, value := range labels {
		found := false
		for _, pair := range metric.GetLabel() {
			found = found || pair.GetName() == name && pair.GetValue() == value
		}
		if !found {
			return false
		}
	}
	return true
}

// lookedAt tells what the operator has yet to look at since it started.
func (o *operator) lookedAt(ctx context.Context, bots int) string {
	bot := map[string]string{"controller": "argusbot"}
	reconciles, err := o.sum(ctx, "controller_runtime_reconcile_total", bot)
	if err != nil {
		return err.Error()
	}
	waiting, err := o.sum(ctx, "workqueue_depth", bot)
	if err != nil {
		return err.Error()
	}
	if int(reconciles) < bots || waiting > 0 {
		return fmt.Sprintf("%.0f reconciles of %d bots, %.0f waiting", reconciles, bots, waiting)
	}
	return ""
}
