//go:build apiserver

package apiserver

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

var optional = []schema.GroupVersionKind{manifests.GVKHTTPRoute(), manifests.GVKServiceMonitor(), manifests.GVKPrometheusRule()}

// Kinds that the cluster lacks are a message; once they are there their objects
// appear, are healed and disappear with the spec; and kinds that go away again take
// nobody down with them.
func TestOptionalKindsComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.uninstall(append(monitorCRDs(), routeCRD())...) // another test may have been here
	fleet := optionalFleet()
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	absent := w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	for _, words := range []string{"spec.serviceMonitor waits for the kind ServiceMonitor", "spec.prometheusRule waits for the kind PrometheusRule"} {
		if !strings.Contains(absent.Message, words) {
			t.Errorf("Ready says %q, want %q in it", absent.Message, words)
		}
	}
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionFalse, v1alpha1.ReasonKindMissing)
	w.quietly()

	install(t, append(monitorCRDs(), routeCRD())...)
	w.waitForAll()
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionFalse, v1alpha1.ReasonNotAccepted)
	w.waitMessage(fleet, v1alpha1.ConditionReady, "the control plane is running")
	w.waitMessage(fleet, v1alpha1.ConditionExposed,
		`Gateway "public" has not taken up the HTTPRoute: check spec.httpRoute.parentRefs and that the Gateway has a controller`)
	w.acceptRoute(metav1.ConditionFalse, "NoMatchingListenerHostname", "no listener takes this host")
	w.waitMessage(fleet, v1alpha1.ConditionExposed, `Gateway "public" refuses the HTTPRoute (NoMatchingListenerHostname): no listener takes this host`)
	w.acceptRoute(metav1.ConditionTrue, "Accepted", "")
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionTrue, v1alpha1.ReasonExposed)
	w.settle()

	restarted, err := operator.restart()
	if err != nil {
		t.Fatal(err)
	}
	operator = restarted
	w.quietly()

	for _, gvk := range optional {
		w.driftAndHeal(gvk)
	}
	w.quietly()

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.HTTPRoute.Hostnames = []string{"other.example.com"} })
	w.eventually(func() string {
		hosts, _, _ := unstructured.NestedStringSlice(get(w, "main-fleet", untyped(manifests.GVKHTTPRoute())).Object, "spec", "hostnames")
		if len(hosts) != 1 || hosts[0] != "other.example.com" {
			return "the route leads to " + strings.Join(hosts, ", ")
		}
		return ""
	})

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.HTTPRoute, f.Spec.ServiceMonitor, f.Spec.PrometheusRule = nil, nil, nil
	})
	for _, gvk := range optional {
		w.eventually(func() string {
			if w.exists("main-fleet", untyped(gvk)) == "" {
				return gvk.Kind + " is still there"
			}
			return ""
		})
	}
	w.eventually(func() string {
		if meta.FindStatusCondition(get(w, "main", fleet).Status.Conditions, v1alpha1.ConditionExposed) != nil {
			return "Exposed is told of a fleet that exposes nothing"
		}
		return ""
	})

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.ServiceMonitor = &v1alpha1.MonitorObject{} })
	w.eventually(func() string { return w.exists("main-fleet", untyped(manifests.GVKServiceMonitor())) })
	w.uninstall(monitorCRDs()...)
	w.waitMessage(fleet, v1alpha1.ConditionReady, "the control plane is running; spec.serviceMonitor waits for the kind ServiceMonitor of the Prometheus Operator, which the cluster does not have")
	w.rounds(2)
	install(t, monitorCRDs()...)
	w.eventually(func() string { return w.exists("main-fleet", untyped(manifests.GVKServiceMonitor())) })
	w.waitMessage(fleet, v1alpha1.ConditionReady, "the control plane is running")
}

// optionalFleet wants an object of every kind that a cluster may lack.
func optionalFleet() *v1alpha1.ArgusFleet {
	fleet := newFleet("main")
	fleet.Spec.HTTPRoute = &v1alpha1.FleetHTTPRoute{ParentRefs: []v1alpha1.ParentRef{{Name: "public"}}, Hostnames: []string{"fleet.example.com"}}
	fleet.Spec.ServiceMonitor = &v1alpha1.MonitorObject{Labels: map[string]string{"release": "prometheus"}}
	fleet.Spec.PrometheusRule = &v1alpha1.MonitorObject{}
	fleet.Spec.TrustedProxies = []string{"10.244.0.0/16"}
	fleet.Spec.NetworkPolicy = &v1alpha1.NetworkPolicy{State: new(v1alpha1.Disabled)}
	return fleet
}

func (w *world) waitForAll() {
	w.Helper()
	for _, gvk := range optional {
		w.eventually(func() string { return w.exists("main-fleet", untyped(gvk)) })
	}
}

// waitMessage waits until a condition says exactly this.
func (w *world) waitMessage(object client.Object, kind, message string) {
	w.Helper()
	w.eventually(func() string {
		if problem := w.exists(object.GetName(), object); problem != "" {
			return problem
		}
		found := meta.FindStatusCondition(conditionsOf(object), kind)
		if found == nil || found.Message != message {
			return "the condition is " + found.String()
		}
		return ""
	})
}

// acceptRoute plays the Gateway's controller.
func (w *world) acceptRoute(status metav1.ConditionStatus, reason, message string) {
	w.Helper()
	route := get(w, "main-fleet", untyped(manifests.GVKHTTPRoute()))
	before := route.DeepCopy()
	route.Object["status"] = map[string]any{"parents": []any{map[string]any{
		"parentRef": map[string]any{"name": "public"}, "controllerName": "example.com/gateway",
		"conditions": []any{map[string]any{"type": "Accepted", "status": string(status), "reason": reason, "message": message}},
	}}}
	if err := admin.Status().Patch(w.ctx, route, client.MergeFrom(before)); err != nil {
		w.Fatal(err)
	}
}

// driftAndHeal changes an object by hand, and adds a field that is nobody's business:
// the first is undone within seconds, the second left alone.
func (w *world) driftAndHeal(gvk schema.GroupVersionKind) {
	w.Helper()
	var wanted any
	change(w, "main-fleet", untyped(gvk), func(o *unstructured.Unstructured) {
		wanted = o.DeepCopy().Object["spec"]
		o.Object["spec"] = map[string]any{}
		labels := o.GetLabels()
		delete(labels, "app.kubernetes.io/managed-by")
		o.SetLabels(labels)
		o.SetAnnotations(map[string]string{"somebody.example.com/note": "theirs", apply.HashAnnotation: o.GetAnnotations()[apply.HashAnnotation]})
	})
	w.eventually(func() string {
		now := get(w, "main-fleet", untyped(gvk))
		switch {
		case !equality.Semantic.DeepEqual(now.Object["spec"], wanted):
			return gvk.Kind + " is not healed"
		case now.GetLabels()["app.kubernetes.io/managed-by"] == "":
			return gvk.Kind + "'s label is not healed"
		case now.GetAnnotations()["somebody.example.com/note"] != "theirs":
			return gvk.Kind + " has lost a foreign annotation"
		}
		return ""
	})
}
