package controllers

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// setExposed tells whether the control plane can be reached from outside the cluster
// as the spec asks. The condition is absent where the spec asks for nothing.
func setExposed(c *conditions, s *fleetScope, options manifests.Options) {
	if !exposes(s.fleet) {
		c.remove(v1alpha1.ConditionExposed)
		return
	}
	if !s.seenFromOutside {
		c.set(v1alpha1.ConditionExposed, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "what leads to the control plane from outside has not been looked at")
		return
	}
	for _, problem := range []func(*fleetScope, manifests.Options) (reason, message string){
		kindProblem, proxyProblem, policyProblem, serviceProblem, routeProblem, addressProblem,
	} {
		if reason, message := problem(s, options); reason != "" {
			c.set(v1alpha1.ConditionExposed, metav1.ConditionFalse, reason, message)
			return
		}
	}
	c.set(v1alpha1.ConditionExposed, metav1.ConditionTrue, v1alpha1.ReasonExposed, "what the spec asks for stands")
}

// exposes tells whether anything leads to the control plane from outside.
func exposes(fleet *v1alpha1.ArgusFleet) bool {
	return proxied(fleet) || serviceType(fleet) != corev1.ServiceTypeClusterIP
}

// proxied tells whether something stands in front that speaks for the visitors.
func proxied(fleet *v1alpha1.ArgusFleet) bool {
	return fleet.Spec.Ingress != nil || fleet.Spec.HTTPRoute != nil
}

func serviceType(fleet *v1alpha1.ArgusFleet) corev1.ServiceType {
	if fleet.Spec.Service == nil {
		return corev1.ServiceTypeClusterIP
	}
	return corev1.ServiceType(ptr.Deref(fleet.Spec.Service.Type, v1alpha1.ServiceType(corev1.ServiceTypeClusterIP)))
}

func kindProblem(s *fleetScope, _ manifests.Options) (reason, message string) {
	if s.fleet.Spec.HTTPRoute == nil || s.kindOf(manifests.GVKHTTPRoute()) != kindAbsent {
		return "", ""
	}
	return v1alpha1.ReasonKindMissing, "spec.httpRoute: the cluster has no kind HTTPRoute: install the Gateway API's CRDs and a controller, or use spec.ingress"
}

func proxyProblem(s *fleetScope, _ manifests.Options) (reason, message string) {
	if !proxied(s.fleet) || len(s.fleet.Spec.TrustedProxies) > 0 {
		return "", ""
	}
	return v1alpha1.ReasonNoTrustedProxies, "spec.trustedProxies is empty, so every visitor has the proxy's address and all share its limits: " +
		"add the CIDR of the ingress controller's pods, such as 10.244.0.0/16"
}

func policyProblem(s *fleetScope, options manifests.Options) (reason, message string) {
	if !proxied(s.fleet) || manifests.FleetAdmitsIngress(s.fleet, options) {
		return "", ""
	}
	return v1alpha1.ReasonNotAdmitted, "the NetworkPolicy lets no ingress controller in: start the operator with --ingress-namespace-selector, " +
		"or name the controller's pods in spec.networkPolicy.extraIngressFrom"
}

// serviceProblem tells whether the Service is held back from what the spec makes of it.
func serviceProblem(s *fleetScope, _ manifests.Options) (reason, message string) {
	if serviceType(s.fleet) == serviceType(s.asRun()) {
		return "", ""
	}
	return v1alpha1.ReasonWaiting, "the Service stays within the cluster until the control plane serves TLS"
}

// routeProblem tells whether the Gateways take the route.
func routeProblem(s *fleetScope, _ manifests.Options) (reason, message string) {
	if s.fleet.Spec.HTTPRoute == nil {
		return "", ""
	}
	for _, wanted := range s.fleet.Spec.HTTPRoute.ParentRefs {
		if problem := parentProblem(wanted, s.route); problem != "" {
			return v1alpha1.ReasonNotAccepted, problem
		}
	}
	return "", ""
}

// parentProblem says why a Gateway does not serve the route, or "".
func parentProblem(wanted v1alpha1.ParentRef, route *unstructured.Unstructured) string {
	taken := false
	for _, parent := range parentsOf(route) {
		status, ok := parent.(map[string]any)
		if !ok || !isParent(status, wanted) {
			continue
		}
		taken = true
		if refusal := routeRefusal(status, wanted.Name); refusal != "" {
			return refusal
		}
	}
	if !taken {
		return fmt.Sprintf("Gateway %q has not taken up the HTTPRoute: check spec.httpRoute.parentRefs and that the Gateway has a controller", wanted.Name)
	}
	return ""
}

func parentsOf(route *unstructured.Unstructured) []any {
	if route == nil {
		return nil
	}
	parents, _, _ := unstructured.NestedSlice(route.Object, "status", "parents")
	return parents
}

// isParent tells whether a part of the route's status speaks of a Gateway, or of the
// listener of it that the spec names.
func isParent(status map[string]any, wanted v1alpha1.ParentRef) bool {
	is := func(field string, want *string) bool {
		found, _, _ := unstructured.NestedString(status, "parentRef", field)
		return want == nil || found == *want
	}
	return is("name", &wanted.Name) && is("namespace", wanted.Namespace) && is("sectionName", wanted.SectionName)
}

// routeRefusal says why one Gateway does not serve the route, or "".
func routeRefusal(status map[string]any, gateway string) string {
	list, _, _ := unstructured.NestedSlice(status, "conditions")
	for _, item := range list {
		condition, ok := item.(map[string]any)
		if !ok || condition["status"] != string(metav1.ConditionFalse) {
			continue
		}
		if kind := condition["type"]; kind != "Accepted" && kind != "ResolvedRefs" {
			continue
		}
		text, _, _ := unstructured.NestedString(condition, "message")
		return strings.TrimSuffix(fmt.Sprintf("Gateway %q refuses the HTTPRoute (%v): %s", gateway, condition["reason"], oneLine(text)), ": ")
	}
	return ""
}

// addressProblem tells whether there is an address to reach.
func addressProblem(s *fleetScope, _ manifests.Options) (reason, message string) {
	if s.fleet.Spec.Ingress != nil && (s.ingress == nil || len(s.ingress.Status.LoadBalancer.Ingress) == 0) {
		return v1alpha1.ReasonNoAddress, "the Ingress has no address: check that spec.ingress.className names a running ingress controller"
	}
	if serviceType(s.fleet) == corev1.ServiceTypeLoadBalancer && (s.service == nil || len(s.service.Status.LoadBalancer.Ingress) == 0) {
		return v1alpha1.ReasonNoAddress, "the load balancer has no address: the cluster's cloud controller has given it none"
	}
	return "", ""
}
