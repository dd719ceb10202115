package manifests

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// object is an unstructured object, with values as JSON has them: map[string]any,
// []any, string, bool, int64 and float64 only, or it could not be copied.
func object(gvk schema.GroupVersionKind, meta metav1.ObjectMeta, spec map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(gvk)
	u.SetName(meta.Name)
	u.SetNamespace(meta.Namespace)
	u.SetLabels(meta.Labels)
	u.SetOwnerReferences(meta.OwnerReferences)
	return u
}

// list turns strings into what JSON has for them.
func list(items []string) []any {
	values := make([]any, 0, len(items))
	for _, item := range items {
		values = append(values, item)
	}
	return values
}

// values turns a map of strings into what JSON has for it.
func values(items map[string]string) map[string]any {
	converted := make(map[string]any, len(items))
	for key, item := range items {
		converted[key] = item
	}
	return converted
}
