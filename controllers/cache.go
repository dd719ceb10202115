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

// CacheOptions keep in memory only what is ours: foreign Deployments, claims and
// pods are neither watched nor stored. No namespaces means all.
func CacheOptions(namespaces []string) cache.Options {
	ours := cache.ByObject{Label: labels.SelectorFromSet(manifests.ManagedLabels())}
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&appsv1.Deployment{}:            ours,
		&corev1.Pod{}:                   ours,
		&corev1.Service{}:               ours,
		&corev1.ConfigMap{}:             ours,
		&corev1.ServiceAccount{}:        ours,
		&corev1.PersistentVolumeClaim{}: ours,
		&networkingv1.NetworkPolicy{}:   ours,
		&networkingv1.Ingress{}:         ours,
	}, DefaultNamespaces: only(namespaces)}
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
