package manifests

import "k8s.io/apimachinery/pkg/runtime/schema"

// The kinds that a cluster may lack. Their objects are unstructured, so that the
// operator needs neither their Go types nor the kinds themselves.

// GVKHTTPRoute is the Gateway API's route.
func GVKHTTPRoute() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
}

// GVKServiceMonitor is the Prometheus Operator's scrape of a Service.
func GVKServiceMonitor() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}
}

// GVKPodMonitor is the Prometheus Operator's scrape of pods.
func GVKPodMonitor() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PodMonitor"}
}

// GVKPrometheusRule is the Prometheus Operator's set of alerts.
func GVKPrometheusRule() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}
}
