//go:build apiserver

package apiserver

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func TestAnIngressIsExposedStepByStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Ingress = &v1alpha1.FleetIngress{Host: "fleet.example.com", TLSSecretRef: &v1alpha1.LocalRef{Name: "cert"}}
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionFalse, v1alpha1.ReasonNoTrustedProxies)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.TrustedProxies = []string{"10.244.0.0/16"} })
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionFalse, v1alpha1.ReasonNotAdmitted)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.NetworkPolicy = &v1alpha1.NetworkPolicy{ExtraIngressFrom: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}}
	})
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionFalse, v1alpha1.ReasonNoAddress)

	ingress := get(w, "main-fleet", &networkingv1.Ingress{})
	before := ingress.DeepCopy()
	ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.1"}}
	if err := admin.Status().Patch(w.ctx, ingress, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionTrue, v1alpha1.ReasonExposed)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)

	change(w, "main-fleet", &networkingv1.Ingress{}, func(i *networkingv1.Ingress) {
		i.Spec.Rules[0].Host = "evil.example.com"
		i.Annotations["somebody.example.com/note"] = "theirs"
	})
	w.eventually(func() string {
		now := get(w, "main-fleet", &networkingv1.Ingress{})
		if now.Spec.Rules[0].Host != "fleet.example.com" || now.Annotations["somebody.example.com/note"] != "theirs" {
			return "the host is not healed, or the foreign annotation is gone"
		}
		return ""
	})
	w.quietly()

	// At rest, the operator looks as it does at work.
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Suspend = new(v1alpha1.SuspendAll) })
	w.waitMessage(fleet, v1alpha1.ConditionReady, "suspended (spec.suspend: All): the control plane is running")
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionTrue, v1alpha1.ReasonExposed)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Suspend = nil })
	w.waitMessage(fleet, v1alpha1.ConditionReady, "the control plane is running")

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Ingress = nil })
	w.eventually(func() string {
		if w.exists("main-fleet", &networkingv1.Ingress{}) == "" {
			return "the Ingress is still there"
		}
		return ""
	})
}

func TestALoadBalancerIsExposedOnceItHasAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Service = &v1alpha1.FleetService{Type: new(v1alpha1.ServiceType("LoadBalancer"))}
	fleet.Spec.AllowInsecureExposure = new(true)
	w.create(fleet)
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionFalse, v1alpha1.ReasonNoAddress)
	service := get(w, "main-fleet", &corev1.Service{})
	before := service.DeepCopy()
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: "lb.example.com"}}
	if err := admin.Status().Patch(w.ctx, service, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionTrue, v1alpha1.ReasonExposed)
	w.poke(fleet)
}
