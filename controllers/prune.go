package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/internal/apply"
)

// applyOrPrune makes wanted stand, and deletes what else owner controls of its kind
// among the objects that selector selects. A nil wanted deletes them all.
func applyOrPrune[T interface {
	client.Object
	comparable
}](ctx context.Context, b *Base, owned apply.Ownership, owner client.Object, list client.ObjectList, selector map[string]string, wanted T) (live T, err error) {
	var none T
	keep := map[string]bool{}
	if wanted != none {
		if live, err = apply.Apply(ctx, b.Applier, owned, wanted); err != nil {
			return live, err
		}
		keep[wanted.GetName()] = true
	}
	return live, prune(ctx, b, owner, list, selector, keep)
}

// prune deletes what owner controls among the objects that selector selects, but for
// the names that are kept. list says of which kind.
func prune(ctx context.Context, b *Base, owner client.Object, list client.ObjectList, selector map[string]string, keep map[string]bool) error {
	if err := listSelected(ctx, b.Client, list, owner.GetNamespace(), selector); err != nil {
		return fmt.Errorf("listing what there is as %T: %w", list, err)
	}
	var found []client.Object
	err := meta.EachListItem(list, func(item runtime.Object) error {
		found = append(found, item.(client.Object))
		return nil
	})
	if err != nil {
		return fmt.Errorf("going through %T: %w", list, err)
	}
	return apply.Prune(ctx, b.Applier, owner, found, keep)
}
