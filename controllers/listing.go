package controllers

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// botIndex finds what belongs to a bot. By its labels alone the cache would go through
// all objects of the namespace, for each of its bots.
const botIndex = "metadata.labels." + v1alpha1.LabelBot

// indexByBot has the cache keep the index of the kinds that a bot always has.
func indexByBot(ctx context.Context, indexer client.FieldIndexer) error {
	for _, kind := range []client.Object{
		&appsv1.Deployment{}, &corev1.Pod{}, &corev1.ServiceAccount{}, &corev1.PersistentVolumeClaim{}, &networkingv1.NetworkPolicy{},
	} {
		err := indexer.IndexField(ctx, kind, botIndex, func(object client.Object) []string {
			if bot := object.GetLabels()[v1alpha1.LabelBot]; bot != "" {
				return []string{bot}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// listSelected lists the objects of a namespace with the labels, by way of the index
// where there is one. They are the cache's own: nobody may change them.
func listSelected(ctx context.Context, reader client.Reader, list client.ObjectList, namespace string, selector map[string]string) error {
	options := []client.ListOption{client.InNamespace(namespace), client.MatchingLabels(selector), client.UnsafeDisableDeepCopy}
	bot, ofBot := selector[v1alpha1.LabelBot]
	if _, unindexed := list.(runtime.Unstructured); ofBot && !unindexed {
		options = append(options, client.MatchingFields{botIndex: bot})
	}
	return reader.List(ctx, list, options...)
}
