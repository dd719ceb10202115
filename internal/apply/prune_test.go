package apply

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// What was pruned is gone at once, however long the cache still shows it: who goes on
// in the same reconcile would else change it rather than make it anew.
func TestWhatWasPrunedIsNotReadFromTheCache(t *testing.T) {
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{UID: "owner"}}
	old := &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: "bots", Name: "old", UID: "uid", OwnerReferences: []metav1.OwnerReference{{UID: owner.UID, Controller: ptr.To(true)}},
	}}
	live := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(old).Build()
	cached := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(old).WithInterceptorFuncs(interceptor.Funcs{
		Delete: func(ctx context.Context, _ client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			return live.Delete(ctx, object, options...)
		},
	}).Build()
	a := New(cached, live, func(string, string) {})
	if err := a.Read(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := Prune(t.Context(), a, owner, []*corev1.Service{old}, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Read(t.Context(), old); !apierrors.IsNotFound(err) {
		t.Errorf("reading what was pruned: %v, want that it is not found", err)
	}
}
