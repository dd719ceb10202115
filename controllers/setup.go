package controllers

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// Settings are what an operator is told.
type Settings struct {
	// Namespaces to act in; none means all.
	Namespaces []string
	// KindsInterval is how often to look which of the kinds that a cluster may lack are there.
	KindsInterval time.Duration
	// AllowExternalFleets lets the operator read control planes that it does not run.
	AllowExternalFleets bool
	// Manifests shape the objects.
	Manifests manifests.Options
	// Registry takes the operator's metrics.
	Registry prometheus.Registerer
	// Detour, if given, stands before the reads of control planes, which may then be on
	// the operator's own host: where no cluster network leads to them.
	Detour func(Fleets) Fleets
}

// Setup gives the manager both reconcilers and what they work with.
func Setup(ctx context.Context, mgr ctrl.Manager, s Settings) error {
	own, err := NewMetrics(s.Registry)
	if err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if err := s.Registry.Register(newObjectMetrics(mgr.GetClient(), mgr.Elected())); err != nil {
		return fmt.Errorf("registering the metrics of custom resources: %w", err)
	}
	poller := NewFleetPoller(mgr.GetClient(), own, time.Now, s.Detour == nil)
	if err := mgr.Add(poller); err != nil {
		return fmt.Errorf("adding the poller: %w", err)
	}
	kinds, err := NewOptionalKinds(mgr, s.Namespaces, s.KindsInterval)
	if err != nil {
		return err
	}
	if err := mgr.Add(kinds); err != nil {
		return fmt.Errorf("adding the search for optional kinds: %w", err)
	}
	reader := kinds.Client(mgr.GetClient())
	base := Base{
		Client:  reader,
		Applier: apply.New(reader, mgr.GetAPIReader(), own.Wrote),
		Fleets:  poller,
		Kinds:   kinds,
		Events:  mgr.GetEventRecorder("argus-operator"),
		Options: s.Manifests,
		Now:     time.Now,
	}
	if s.Detour != nil {
		base.Fleets = s.Detour(poller)
	}
	fleets := &ArgusFleetReconciler{Base: base, Random: rand.Reader}
	if err := fleets.SetupWithManager(mgr, poller.Woken(v1alpha1.KindArgusFleet)); err != nil {
		return fmt.Errorf("setting up ArgusFleet: %w", err)
	}
	bots := &ArgusBotReconciler{Base: base, AllowExternalFleets: s.AllowExternalFleets, Gathering: gathering}
	if err := bots.SetupWithManager(ctx, mgr, poller.Woken(v1alpha1.KindArgusBot)); err != nil {
		return fmt.Errorf("setting up ArgusBot: %w", err)
	}
	return nil
}
