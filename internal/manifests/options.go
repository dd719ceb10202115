package manifests

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Options are the operator's own settings that shape objects.
type Options struct {
	// FleetImage runs where an ArgusFleet names no image.
	FleetImage string
	// OperatorNamespace and OperatorLabels tell the operator's pods, which read the control planes.
	OperatorNamespace string
	OperatorLabels    map[string]string
	// IngressNamespaces selects the namespaces of ingress controllers; nil means none is let in.
	IngressNamespaces *metav1.LabelSelector
	// MonitoringNamespaces selects the namespaces that scrape; nil means any for a bot's
	// metrics port and for a control plane with spec.serviceMonitor, and none for another.
	MonitoringNamespaces *metav1.LabelSelector
}
