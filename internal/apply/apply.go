// Package apply makes objects stand as desired, with as few writes as can be: an
// object that already stands so costs none, a restart of the operator included.
//
// The first write of an object is a Create, so that an object of somebody else
// under the same name is met, not overwritten; later ones are server-side applies
// under one field owner, which leave alone what others own.
package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Applier writes desired objects. It is safe for concurrent use.
type Applier struct {
	client   client.Client
	live     client.Reader
	types    managedfields.TypeConverter
	written  *writes
	observed func(kind, verb string)
}

// New returns an Applier that reads through c, whose cache may lag, and through
// live, which may not. observe is told of each write.
func New(c client.Client, live client.Reader, observe func(kind, verb string)) *Applier {
	return &Applier{
		client:   c,
		live:     live,
		types:    applyconfigurations.NewTypeConverter(c.Scheme()),
		written:  newWrites(),
		observed: observe,
	}
}

// Ownership tells whether a live object is ours to change.
type Ownership func(live metav1.Object) bool

// ControlledBy accepts objects whose controller is owner.
func ControlledBy(owner metav1.Object) Ownership {
	return func(live metav1.Object) bool { return metav1.IsControlledBy(live, owner) }
}

// Labelled accepts objects without a controller that carry our label with the
// value, and those that owner controls: what outlives its owner and is adopted again.
func Labelled(owner metav1.Object, key, value string) Ownership {
	return func(live metav1.Object) bool {
		if metav1.GetControllerOf(live) != nil {
			return metav1.IsControlledBy(live, owner)
		}
		labels := live.GetLabels()
		return labels[key] == value && labels["app.kubernetes.io/managed-by"] == v1alpha1.ManagedBy
	}
}

// Apply makes desired stand and returns the object as it is now. It fails with a
// NameConflictError when the name belongs to somebody else, and with a
// TerminatingError while the object is being deleted.
func Apply[T client.Object](ctx context.Context, a *Applier, owns Ownership, desired T) (T, error) {
	var none T
	kind, err := a.kindOf(desired)
	if err != nil {
		return none, err
	}
	want, err := a.newWanted(desired)
	if err != nil {
		return none, fmt.Errorf("preparing %s %s: %w", kind, desired.GetName(), err)
	}
	current := desired.DeepCopyObject().(T)
	err = a.read(ctx, current)
	if apierrors.IsNotFound(err) {
		created, createErr := create(ctx, a, kind, want.stamped.DeepCopyObject().(T))
		if !apierrors.IsAlreadyExists(createErr) {
			return created, createErr
		}
		err = a.live.Get(ctx, client.ObjectKeyFromObject(desired), current)
	}
	if err != nil {
		return none, fmt.Errorf("reading %s %s: %w", kind, desired.GetName(), err)
	}
	if !owns(current) {
		return none, &NameConflictError{Kind: kind, Name: current.GetName()}
	}
	if !current.GetDeletionTimestamp().IsZero() {
		return none, &TerminatingError{Kind: kind, Name: current.GetName()}
	}
	if stands, err := a.stands(current, want); err != nil || stands {
		return current, err
	}
	return current, a.patch(ctx, kind, current, want)
}

func create[T client.Object](ctx context.Context, a *Applier, kind string, object T) (T, error) {
	err := a.client.Create(ctx, object, client.FieldOwner(v1alpha1.FieldOwner))
	if apierrors.IsAlreadyExists(err) {
		return object, err
	}
	if err != nil {
		return object, fmt.Errorf("creating %s %s: %w", kind, object.GetName(), err)
	}
	a.noteWrite(kind, "create", object)
	return object, nil
}

// patch applies what is wanted over the live object, which it updates.
func (a *Applier) patch(ctx context.Context, kind string, current client.Object, want *wanted) error {
	if err := a.adoptFields(ctx, kind, current); err != nil {
		return err
	}
	body, err := want.body(current)
	if err != nil {
		return fmt.Errorf("encoding %s %s: %w", kind, current.GetName(), err)
	}
	err = a.client.Patch(ctx, current, client.RawPatch(types.ApplyPatchType, body),
		client.ForceOwnership, client.FieldOwner(v1alpha1.FieldOwner))
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", kind, current.GetName(), err)
	}
	a.noteWrite(kind, "apply", current)
	return nil
}

// adoptFields turns what we own by having created the object into what we own by
// applying it, so that a field that is no longer desired goes away.
func (a *Applier) adoptFields(ctx context.Context, kind string, current client.Object) error {
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(current, sets.New(v1alpha1.FieldOwner), v1alpha1.FieldOwner)
	if err != nil {
		return fmt.Errorf("reading the managed fields of %s %s: %w", kind, current.GetName(), err)
	}
	if patch == nil {
		return nil
	}
	if err := a.client.Patch(ctx, current, client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("adopting the fields of %s %s: %w", kind, current.GetName(), err)
	}
	a.noteWrite(kind, "patch", current)
	return nil
}

// read gets the object from the cache, or live where the cache is behind our own
// last write.
func (a *Applier) read(ctx context.Context, object client.Object) error {
	key := client.ObjectKeyFromObject(object)
	err := a.client.Get(ctx, key, object)
	if (err == nil || apierrors.IsNotFound(err)) && a.written.newerThan(object, err == nil) {
		return a.live.Get(ctx, key, object)
	}
	return err
}

func (a *Applier) noteWrite(kind, verb string, object client.Object) {
	a.written.note(object)
	a.observed(kind, verb)
}

func (a *Applier) kindOf(object client.Object) (string, error) {
	gvk, err := apiutil.GVKForObject(object, a.client.Scheme())
	if err != nil {
		return "", fmt.Errorf("kind of %T: %w", object, err)
	}
	return gvk.Kind, nil
}
