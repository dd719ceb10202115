package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Prune deletes those of found that owner controls and whose name is not in keep.
// The UID goes with each delete, so an object that was replaced meanwhile is not
// touched.
func Prune[T client.Object](ctx context.Context, a *Applier, owner metav1.Object, found []T, keep map[string]bool) error {
	for _, object := range found {
		if keep[object.GetName()] || !metav1.IsControlledBy(object, owner) || !object.GetDeletionTimestamp().IsZero() {
			continue
		}
		kind, err := a.kindOf(object)
		if err != nil {
			return err
		}
		err = a.client.Delete(ctx, object, client.Preconditions{UID: ptr.To(object.GetUID())},
			client.PropagationPolicy(metav1.DeletePropagationBackground))
		if apierrors.IsNotFound(err) {
			a.written.noteDelete(object) // by us before, or by somebody who was faster
			continue
		}
		if err != nil {
			return fmt.Errorf("deleting %s %s: %w", kind, object.GetName(), err)
		}
		a.written.noteDelete(object)
		a.observed(kind, "delete")
	}
	return nil
}
