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
			Type:                     corev1.ServiceTypeClusterIP,
			Selector:                 FleetSelector(fleet.Name),
			PublishNotReadyAddresses: true,
			Ports: []corev1.ServicePort{{
				Name: portName, Protocol: corev1.ProtocolTCP,
				Port: FleetEffective(&fleet.Spec).Port, TargetPort: intstr.FromString(portName),
			}},
		},
	}
}

// FleetURL is the address of a control plane for pods of its cluster.
func FleetURL(fleet *v1alpha1.ArgusFleet) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", FleetName(fleet.Name), fleet.Namespace, FleetEffective(&fleet.Spec).Port)
}
