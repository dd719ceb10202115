package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// fleetOptional are the objects of kinds that a cluster may lack, as a fleet wants them.
func fleetOptional(fleet *v1alpha1.ArgusFleet) []optionalObject {
	return []optionalObject{
		{manifests.GVKHTTPRoute(), "spec.httpRoute", "the Gateway API", manifests.FleetHTTPRoute(fleet)},
		{manifests.GVKServiceMonitor(), "spec.serviceMonitor", prometheusOperator, manifests.FleetServiceMonitor(fleet)},
		{manifests.GVKPrometheusRule(), "spec.prometheusRule", prometheusOperator, manifests.FleetPrometheusRule(fleet)},
	}
}

func (s *fleetScope) kindOf(gvk schema.GroupVersionKind) kindState { return s.optional.kinds[gvk] }

// ensureOptional applies the objects of kinds that the cluster may lack, and deletes
// those that are no longer asked for.
func (r *ArgusFleetReconciler) ensureOptional(ctx context.Context, s *fleetScope) (err error) {
	s.optional, err = ensureOptional(ctx, &r.Base, s.fleet, manifests.FleetSelector(s.fleet.Name), fleetOptional(s.asRun()))
	s.route = s.optional.live[manifests.GVKHTTPRoute()]
	s.seenFromOutside = err == nil
	return err
}

// absentKinds says which parts of the spec wait for a kind that the cluster lacks. The
// condition Exposed tells of HTTPRoute.
func absentKinds(s *fleetScope) string {
	return s.optional.absent(fleetOptional(s.fleet)[1:])
}

// lookFromOutside reads what leads to the control plane from outside, and writes nothing.
func (r *ArgusFleetReconciler) lookFromOutside(ctx context.Context, s *fleetScope) error {
	if wanted := manifests.FleetIngress(s.asRun()); wanted != nil {
		found, err := apply.Check(ctx, r.Applier, apply.ControlledBy(s.fleet), wanted)
		if err != nil {
			return err
		}
		s.ingress = found.Live
	}
	var err error
	s.optional, err = lookAtOptional(ctx, &r.Base, s.fleet, fleetOptional(s.asRun()))
	s.route = s.optional.live[manifests.GVKHTTPRoute()]
	s.seenFromOutside = err == nil
	return err
}
