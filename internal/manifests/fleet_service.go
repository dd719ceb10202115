package manifests

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// FleetService is the address of the control plane. It publishes the pod also
// while it is not ready: readiness turns false when the state cannot be written,
// and heartbeats and views must go on then.
func FleetService(fleet *v1alpha1.ArgusFleet) *corev1.Service {
	service := or(fleet.Spec.Service, v1alpha1.FleetService{})
	meta := objectMeta(FleetName(fleet.Name), fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet))
	meta.Annotations = maps.Clone(service.Annotations)
	return &corev1.Service{
		ObjectMeta: meta,
		Spec: corev1.ServiceSpec{
			Type:                     serviceType(fleet),
			Selector:                 FleetSelector(fleet.Name),
			PublishNotReadyAddresses: true,
			IPFamilyPolicy:           (*corev1.IPFamilyPolicy)(service.IPFamilyPolicy),
			TrafficDistribution:      service.TrafficDistribution,
			Ports: []corev1.ServicePort{{
				Name: fleetPortName(fleet), Protocol: corev1.ProtocolTCP,
				Port: FleetEffective(&fleet.Spec).Port, TargetPort: intstr.FromString(portName),
			}},
		},
	}
}

func serviceType(fleet *v1alpha1.ArgusFleet) corev1.ServiceType {
	service := or(fleet.Spec.Service, v1alpha1.FleetService{})
	return corev1.ServiceType(or(service.Type, v1alpha1.ServiceType(corev1.ServiceTypeClusterIP)))
}

// fleetPortName is the name of the Service's port. Meshes and ingress controllers
// take it for the protocol, so it must be true.
func fleetPortName(fleet *v1alpha1.ArgusFleet) string { return fleetScheme(fleet) }

func fleetScheme(fleet *v1alpha1.ArgusFleet) string {
	if fleet.Spec.TLS != nil {
		return "https"
	}
	return "http"
}

// fleetHost is the name that a control plane's certificate must hold.
func fleetHost(fleet *v1alpha1.ArgusFleet) string {
	return fmt.Sprintf("%s.%s.svc", FleetName(fleet.Name), fleet.Namespace)
}

// FleetURL is the address of a control plane for pods of its cluster.
func FleetURL(fleet *v1alpha1.ArgusFleet) string {
	return fmt.Sprintf("%s://%s:%d", fleetScheme(fleet), fleetHost(fleet), FleetEffective(&fleet.Spec).Port)
}
