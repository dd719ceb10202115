package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/cmd/internal/memory"
	"github.com/argus-dev/argus-operator/controllers"
)

const leaderElectionID = "argus-operator"

// serve runs the operator until the context ends.
func serve(ctx context.Context, s *settings, stderr io.Writer) error {
	ctrl.SetLogger(logr.FromSlogHandler(logHandler(s, stderr)))
	memory.Limit()
	memory.Percent(controllers.CollectorPercent)
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, managerOptions(s, scheme))
	if err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	if err := addControllers(ctx, mgr, s); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

func logHandler(s *settings, stderr io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: s.level}
	if s.logFormat == "text" {
		return slog.NewTextHandler(stderr, options)
	}
	return slog.NewJSONHandler(stderr, options)
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	return scheme, nil
}

func managerOptions(s *settings, scheme *runtime.Scheme) ctrl.Options {
	grace := 20 * time.Second
	return ctrl.Options{
		Scheme:                        scheme,
		Cache:                         controllers.CacheOptions(s.watchNamespaces),
		Client:                        controllers.ClientOptions(),
		HealthProbeBindAddress:        s.probeAddress,
		Metrics:                       metricsOptions(s),
		LeaderElection:                s.leaderElect,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       s.namespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &grace,
	}
}

func metricsOptions(s *settings) metricsserver.Options {
	options := metricsserver.Options{BindAddress: s.metricsAddress}
	if s.metricsAuth == "kubernetes" {
		options.SecureServing = true
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}

func addControllers(ctx context.Context, mgr ctrl.Manager, s *settings) error {
	err := controllers.Setup(ctx, mgr, controllers.Settings{
		Namespaces:          s.watchNamespaces,
		KindsInterval:       s.kindsInterval,
		AllowExternalFleets: s.allowExternalFleets,
		Manifests:           s.manifests,
		Registry:            metrics.Registry,
	})
	if err != nil {
		return err
	}
	return addChecks(mgr)
}

func addChecks(mgr ctrl.Manager) error {
	for name, add := range map[string]func(string, healthz.Checker) error{"healthz": mgr.AddHealthzCheck, "readyz": mgr.AddReadyzCheck} {
		if err := add(name, healthz.Ping); err != nil {
			return fmt.Errorf("adding %s: %w", name, err)
		}
	}
	return nil
}
