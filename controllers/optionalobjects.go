package controllers

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/argus-dev/argus-operator/internal/apply"
)

// prometheusOperator is where the kinds of monitoring come from.
const prometheusOperator = "the Prometheus Operator"

// optionalObject is an object of a kind that a cluster may lack.
type optionalObject struct {
	gvk schema.GroupVersionKind
	// field of the spec that asks for the object, and where the kind comes from.
	field, origin string
	// wanted is nil when the spec asks for none.
	wanted *unstructured.Unstructured
}

// What is known of a kind in one reconcile.
type kindState int

const (
	kindUnknown kindState = iota
	kindAbsent
	kindPresent
)

// optionalFound is what one reconcile has found of kinds that a cluster may lack.
type optionalFound struct {
	kinds map[schema.GroupVersionKind]kindState
	// live objects that stand, by kind.
	live map[schema.GroupVersionKind]*unstructured.Unstructured
}

// ensureOptional applies the objects of kinds that the cluster may lack, and deletes
// those of the owner that are no longer asked for.
func ensureOptional(ctx context.Context, b *Base, owner client.Object, selector map[string]string, objects []optionalObject) (optionalFound, error) {
	found := optionalFound{
		kinds: map[schema.GroupVersionKind]kindState{}, live: map[schema.GroupVersionKind]*unstructured.Unstructured{},
	}
	for i := range objects {
		one := &objects[i]
		present, err := b.Kinds.Present(ctx, one.gvk)
		if err != nil {
			return found, err
		}
		if present {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(one.gvk.GroupVersion().WithKind(one.gvk.Kind + "List"))
			found.live[one.gvk], err = applyOrPrune(ctx, b, apply.ControlledBy(owner), owner, list, selector, one.wanted)
		}
		switch {
		case !present || b.Kinds.gone(err):
			found.kinds[one.gvk] = kindAbsent
		case err != nil:
			return found, err
		default:
			found.kinds[one.gvk] = kindPresent
		}
	}
	return found, nil
}

// lookAtOptional finds what ensureOptional would, and writes nothing.
func lookAtOptional(ctx context.Context, b *Base, owner client.Object, objects []optionalObject) (optionalFound, error) {
	found := optionalFound{
		kinds: map[schema.GroupVersionKind]kindState{}, live: map[schema.GroupVersionKind]*unstructured.Unstructured{},
	}
	for i := range objects {
		one := &objects[i]
		present, err := b.Kinds.Present(ctx, one.gvk)
		if err != nil {
			return found, err
		}
		found.kinds[one.gvk] = kindAbsent
		if !present {
			continue
		}
		found.kinds[one.gvk] = kindPresent
		if one.wanted == nil {
			continue
		}
		live, err := apply.Check(ctx, b.Applier, apply.ControlledBy(owner), one.wanted)
		if err != nil {
			return found, err
		}
		found.live[one.gvk] = live.Live
	}
	return found, nil
}

// absent says which parts of the spec wait for a kind that the cluster lacks, to be
// added to a sentence.
func (f optionalFound) absent(objects []optionalObject) string {
	var text strings.Builder
	for i := range objects {
		if one := &objects[i]; f.kinds[one.gvk] == kindAbsent && one.wanted != nil {
			fmt.Fprintf(&text, "; %s waits for the kind %s of %s, which the cluster does not have", one.field, one.gvk.Kind, one.origin)
		}
	}
	return text.String()
}

// everyOne leads to all objects that list lists, because a kind has come or gone.
func (b *Base) everyOne(list client.ObjectList) func(context.Context, client.Object) []reconcile.Request {
	return func(ctx context.Context, _ client.Object) []reconcile.Request {
		all := list.DeepCopyObject().(client.ObjectList)
		if err := b.Client.List(ctx, all); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "listing the objects for a kind that has come or gone")
			return nil
		}
		return requestsFor(all)
	}
}
