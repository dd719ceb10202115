package manifests

import (
	"maps"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// FleetIngress leads a host to the Service. It is nil where the spec asks for none.
func FleetIngress(fleet *v1alpha1.ArgusFleet) *networkingv1.Ingress {
	wanted := fleet.Spec.Ingress
	if wanted == nil {
		return nil
	}
	meta := objectMeta(FleetName(fleet.Name), fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet))
	meta.Annotations = maps.Clone(wanted.Annotations)
	ingress := &networkingv1.Ingress{ObjectMeta: meta, Spec: networkingv1.IngressSpec{
		IngressClassName: wanted.ClassName,
		Rules: []networkingv1.IngressRule{{
			Host: wanted.Host,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{
					Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix),
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: FleetName(fleet.Name), Port: networkingv1.ServiceBackendPort{Name: fleetPortName(fleet)},
					}},
				}},
			}},
		}},
	}}
	if wanted.TLSSecretRef != nil {
		ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{wanted.Host}, SecretName: wanted.TLSSecretRef.Name}}
	}
	return ingress
}
