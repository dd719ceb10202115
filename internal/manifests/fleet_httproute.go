package manifests

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// FleetHTTPRoute leads Gateways to the Service. It is nil where the spec asks for
// none. Lists are atomic here, so what the API server would fill in within them
// (group, kind, weight) is written out.
func FleetHTTPRoute(fleet *v1alpha1.ArgusFleet) *unstructured.Unstructured {
	wanted := fleet.Spec.HTTPRoute
	if wanted == nil {
		return nil
	}
	parents := make([]any, 0, len(wanted.ParentRefs))
	for _, parent := range wanted.ParentRefs {
		ref := map[string]any{"group": GVKHTTPRoute().Group, "kind": "Gateway", "name": parent.Name}
		if parent.Namespace != nil {
			ref["namespace"] = *parent.Namespace
		}
		if parent.SectionName != nil {
			ref["sectionName"] = *parent.SectionName
		}
		parents = append(parents, ref)
	}
	spec := map[string]any{
		"parentRefs": parents,
		"rules": []any{map[string]any{
			"matches": []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			"backendRefs": []any{map[string]any{
				"group": "", "kind": "Service", "name": FleetName(fleet.Name),
				"port": int64(FleetEffective(&fleet.Spec).Port), "weight": int64(1),
			}},
		}},
	}
	if len(wanted.Hostnames) > 0 {
		spec["hostnames"] = list(wanted.Hostnames)
	}
	meta := objectMeta(FleetName(fleet.Name), fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet))
	return object(GVKHTTPRoute(), meta, spec)
}
