package controllers

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/internal/manifests"
)

// CollectorPercent is GOGC for an operator. Nearly all of its memory is these caches,
// which live on: as much again for garbage would be the larger part of what it takes.
const CollectorPercent = 50

// CacheOptions keep in memory only what is ours: foreign Deployments, claims and
// pods are neither watched nor stored. No namespaces means all.
func CacheOptions(namespaces []string) cache.Options {
	ours := cache.ByObject{Label: labels.SelectorFromSet(manifests.ManagedLabels())}
	pods := cache.ByObject{Label: ours.Label, Transform: slimPod}
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&appsv1.Deployment{}:            ours,
		&corev1.Pod{}:                   pods,
		&corev1.Service{}:               ours,
		&corev1.ConfigMap{}:             ours,
		&corev1.ServiceAccount{}:        ours,
		&corev1.PersistentVolumeClaim{}: ours,
		&networkingv1.NetworkPolicy{}:   ours,
		&networkingv1.Ingress{}:         ours,
	}, DefaultNamespaces: only(namespaces)}
}

// slimPod leaves of a pod what it is called and what has become of it. Nobody here writes
// a pod, and what it was to be is on its Deployment.
func slimPod(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod.ManagedFields, pod.Spec = nil, corev1.PodSpec{}
	}
	return object, nil
}

// optionalCacheOptions are those of the caches of kinds that a cluster may lack.
func optionalCacheOptions(namespaces []string) cache.Options {
	return cache.Options{
		DefaultLabelSelector: labels.SelectorFromSet(manifests.ManagedLabels()),
		DefaultNamespaces:    only(namespaces),
	}
}

func only(namespaces []string) map[string]cache.Config {
	if len(namespaces) == 0 {
		return nil
	}
	configs := map[string]cache.Config{}
	for _, namespace := range namespaces {
		configs[namespace] = cache.Config{}
	}
	return configs
}

// ClientOptions have Secrets read by name and never listed or watched, so that other
// people's cost nothing and need no right.
func ClientOptions() client.Options {
	return client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}}
}
