package controllers

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// optionalKind is a kind that a cluster may lack, and what an ArgusFleet wants of it.
type optionalKind struct {
	gvk schema.GroupVersionKind
	// field of the spec that asks for the object, and where the kind comes from.
	field, origin string
	// build returns the object, or nil when the spec asks for none.
	build func(*v1alpha1.ArgusFleet) *unstructured.Unstructured
}

func fleetOptionalKinds() []optionalKind {
	return []optionalKind{
		{manifests.GVKHTTPRoute(), "spec.httpRoute", "the Gateway API", manifests.FleetHTTPRoute},
		{manifests.GVKServiceMonitor(), "spec.serviceMonitor", "the Prometheus Operator", manifests.FleetServiceMonitor},
		{manifests.GVKPrometheusRule(), "spec.prometheusRule", "the Prometheus Operator", manifests.FleetPrometheusRule},
	}
}

// What is known of a kind in one reconcile.
type kindState int

const (
	kindUnknown kindState = iota
	kindAbsent
	kindPresent
)

func (s *fleetScope) kindOf(gvk schema.GroupVersionKind) kindState { return s.kinds[gvk] }

// ensureOptional applies the objects of kinds that the cluster may lack, and deletes
// those that are no longer asked for.
func (r *ArgusFleetReconciler) ensureOptional(ctx context.Context, s *fleetScope) error {
	s.kinds = map[schema.GroupVersionKind]kindState{}
	for _, kind := range fleetOptionalKinds() {
		present, err := r.Kinds.Present(ctx, kind.gvk)
		if err != nil {
			return err
		}
		if present {
			err = r.ensureOne(ctx, s, kind)
		}
		switch {
		case !present || r.Kinds.gone(err):
			s.kinds[kind.gvk] = kindAbsent
		case err != nil:
			return err
		default:
			s.kinds[kind.gvk] = kindPresent
		}
	}
	return nil
}

func (r *ArgusFleetReconciler) ensureOne(ctx context.Context, s *fleetScope, kind optionalKind) error {
	keep := map[string]bool{}
	if wanted := kind.build(s.fleet); wanted != nil {
		live, err := apply.Apply(ctx, r.Applier, apply.ControlledBy(s.fleet), wanted)
		if err != nil {
			return err
		}
		if kind.gvk == manifests.GVKHTTPRoute() {
			s.route = live
		}
		keep[wanted.GetName()] = true
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.gvk.GroupVersion().WithKind(kind.gvk.Kind + "List"))
	return prune(ctx, &r.Base, s.fleet, list, manifests.FleetSelector(s.fleet.Name), keep)
}

// absentKinds says which parts of the spec wait for a kind that the cluster lacks. The
// condition Exposed tells of HTTPRoute.
func absentKinds(s *fleetScope) string {
	var text strings.Builder
	for _, kind := range fleetOptionalKinds() {
		if kind.gvk != manifests.GVKHTTPRoute() && s.kindOf(kind.gvk) == kindAbsent && kind.build(s.fleet) != nil {
			fmt.Fprintf(&text, "; %s waits for the kind %s of %s, which the cluster does not have", kind.field, kind.gvk.Kind, kind.origin)
		}
	}
	return text.String()
}
