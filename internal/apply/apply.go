// Package apply makes objects stand as desired, with as few writes as can be: an
// object that already stands so costs none, a restart of the operator included.
//
// The first write of an object is a Create, so that an object of somebody else
// under the same name is met, not overwritten; later ones are server-side applies
// under one field owner, which leave alone what others own.
package apply

import (
	"context"
	"crypto/sha256"
	"fmt"
	"reflect"
	"time"

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
	verdicts *verdicts
	observed func(kind, verb string)
}

// New returns an Applier that reads through c, whose cache may lag, and through
// live, which may not. observe is told of each write.
func New(c client.Client, live client.Reader, observe func(kind, verb string)) *Applier {
	return &Applier{
		client:   c,
		live:     live,
		types:    applyconfigurations.NewTypeConverter(c.Scheme()),
		written:  newWrites(time.Now),
		verdicts: newVerdicts(),
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
		return labels[key] == value && labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy
	}
}

// Found is how an object stands before anything is written.
type Found[T client.Object] struct {
	// Live is the object, if Exists.
	Live   T
	Exists bool
	// Stands: it is as desired.
	Stands bool
	// Drifted: it was applied as desired, and somebody has changed it since.
	Drifted bool

	desired T
	asked   [sha256.Size]byte // its digest
	kind    string
	want    *wanted
}

// Check reads how desired stands, and writes nothing. It fails with a
// NameConflictError when the name belongs to somebody else, with a TerminatingError
// while the object is being deleted, and with an InvalidError when desired is none
// that could be applied.
func Check[T client.Object](ctx context.Context, a *Applier, owns Ownership, desired T) (Found[T], error) {
	found, err := prepare(a, desired)
	if err != nil {
		return found, err
	}
	err = a.Read(ctx, found.Live)
	if client.IgnoreNotFound(err) != nil {
		return found, fmt.Errorf("reading %s %s: %w", found.kind, desired.GetName(), err)
	}
	if found.Exists = err == nil; !found.Exists {
		found.Live = empty(desired) // a cache may have filled it with what is gone
	}
	return found, found.assess(a, owns)
}

// Compare is Check against an object that was read before; the zero live is "there is none".
func Compare[T interface {
	client.Object
	comparable
}](a *Applier, owns Ownership, desired, live T) (Found[T], error) {
	found, err := prepare(a, desired)
	if err != nil {
		return found, err
	}
	var none T
	if live != none {
		found.Live, found.Exists = live.DeepCopyObject().(T), true
	}
	return found, found.assess(a, owns)
}

func prepare[T client.Object](a *Applier, desired T) (Found[T], error) {
	kind, err := a.kindOf(desired)
	return Found[T]{Live: empty(desired), desired: desired, kind: kind}, err
}

// empty is an object of the same kind and name.
func empty[T client.Object](desired T) T {
	live := reflect.New(reflect.TypeOf(desired).Elem()).Interface().(T)
	if untyped(desired) {
		live.GetObjectKind().SetGroupVersionKind(desired.GetObjectKind().GroupVersionKind())
	}
	live.SetNamespace(desired.GetNamespace())
	live.SetName(desired.GetName())
	return live
}

// assess says how an object stands that was read, or was found not to exist. One that
// was found as desired before, or of which it was found that it can be made, and that
// has not changed since, is not compared again.
func (f *Found[T]) assess(a *Applier, owns Ownership) error {
	var err error
	if f.asked, err = question(f.desired); err != nil {
		return &InvalidError{Kind: f.kind, Name: f.desired.GetName(), Cause: err}
	}
	if a.verdicts.stands(f.Live, f.desired, f.asked, time.Now()) {
		f.Stands = f.Exists
		if f.Exists {
			return f.refuse(owns)
		}
		return nil
	}
	if err := f.make(a); err != nil {
		return err
	}
	if f.Exists {
		if err := f.judge(a, owns); err != nil {
			return err
		}
	}
	if f.Stands || !f.Exists {
		a.verdicts.note(f.Live, f.desired, f.asked, time.Now())
	}
	return nil
}

// make prepares what is desired for comparing and sending, once.
func (f *Found[T]) make(a *Applier) (err error) {
	if f.want == nil {
		if f.want, err = a.newWanted(f.desired); err != nil {
			return &InvalidError{Kind: f.kind, Name: f.desired.GetName(), Cause: err}
		}
	}
	return nil
}

// refuse says why an object that exists may not be touched, or is nil.
func (f *Found[T]) refuse(owns Ownership) error {
	if !owns(f.Live) {
		return &NameConflictError{Kind: f.kind, Name: f.Live.GetName()}
	}
	if !f.Live.GetDeletionTimestamp().IsZero() {
		return &TerminatingError{Kind: f.kind, Name: f.Live.GetName()}
	}
	return nil
}

func (f *Found[T]) judge(a *Applier, owns Ownership) (err error) {
	f.Exists = true
	if err := f.refuse(owns); err != nil {
		return err
	}
	if f.Live.GetAnnotations()[HashAnnotation] != f.want.applied.GetAnnotations()[HashAnnotation] {
		return nil
	}
	same, err := a.same(f.Live, f.want)
	f.Stands, f.Drifted = same, !same
	return err
}

// Apply makes desired stand and returns the object as it is now. It fails as Check does.
func Apply[T client.Object](ctx context.Context, a *Applier, owns Ownership, desired T) (T, error) {
	found, err := Check(ctx, a, owns, desired)
	if err != nil {
		return found.Live, err
	}
	return Write(ctx, a, owns, found)
}

// Write makes stand what Check or Compare has looked at, and returns the object as it is now.
func Write[T client.Object](ctx context.Context, a *Applier, owns Ownership, found Found[T]) (T, error) {
	if found.Stands {
		return found.Live, nil
	}
	if err := found.make(a); err != nil {
		return found.Live, err
	}
	if !found.Exists {
		created, err := create(ctx, a, found.kind, found.want.stamped.DeepCopyObject().(T))
		if err == nil {
			return created, found.remember(a, created)
		}
		if !apierrors.IsAlreadyExists(err) {
			return created, err
		}
		// The cache does not show what stands here: it is behind, or the object lacks our label.
		if err := a.live.Get(ctx, client.ObjectKeyFromObject(created), found.Live); err != nil {
			return found.Live, fmt.Errorf("reading %s %s: %w", found.kind, created.GetName(), err)
		}
		if err := found.judge(a, owns); err != nil {
			return found.Live, err
		}
	}
	if found.Stands {
		return found.Live, nil
	}
	return found.Live, a.patch(ctx, found.kind, found.Live, found.want)
}

// remember notes that what was created is as desired, unless somebody has changed it on
// its way, as an admission webhook can, so that the next look need not compare it again.
// Of what has only just been made, the fields that were sent are compared without a schema.
func (f *Found[T]) remember(a *Applier, created T) error {
	live, err := appliedForm(created)
	if err != nil {
		return err
	}
	live.SetGroupVersionKind(f.want.applied.GroupVersionKind()) // a decoder leaves it out
	if contains(live.Object, f.want.applied.Object) {
		a.verdicts.note(created, f.desired, f.asked, time.Now())
	}
	return nil
}

func create[T client.Object](ctx context.Context, a *Applier, kind string, object T) (T, error) {
	err := a.client.Create(ctx, object, client.FieldOwner(v1alpha1.FieldOwner))
	if apierrors.IsAlreadyExists(err) {
		return object, err
	}
	if err != nil {
		return object, fmt.Errorf("creating %s %s: %w", kind, object.GetName(), err)
	}
	a.NoteWrite(kind, "create", object)
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
	if apierrors.IsInvalid(err) && a.replaceLists(ctx, kind, current, body) == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", kind, current.GetName(), err)
	}
	a.NoteWrite(kind, "apply", current)
	return nil
}

// replaceLists writes what is wanted with its lists as a whole. An element whose key
// somebody has changed by hand, such as the number of a port, is another element to a
// server-side apply, which would put ours beside it: two ports of one name are invalid.
func (a *Applier) replaceLists(ctx context.Context, kind string, current client.Object, body []byte) error {
	err := a.client.Patch(ctx, current, client.RawPatch(types.MergePatchType, body), client.FieldOwner(v1alpha1.FieldOwner))
	if err != nil {
		return fmt.Errorf("replacing the lists of %s %s: %w", kind, current.GetName(), err)
	}
	a.NoteWrite(kind, "patch", current)
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
	a.NoteWrite(kind, "patch", current)
	return nil
}

// Read gets the object from the cache, or live where the cache is behind our own
// last write.
func (a *Applier) Read(ctx context.Context, object client.Object) error {
	key := client.ObjectKeyFromObject(object)
	err := a.client.Get(ctx, key, object)
	if (err == nil || apierrors.IsNotFound(err)) && a.written.newerThan(object, err == nil) {
		return a.live.Get(ctx, key, object)
	}
	return err
}

// ReadLive gets the object from the API server, where the cache does not show what is
// not ours.
func (a *Applier) ReadLive(ctx context.Context, object client.Object) error {
	return a.live.Get(ctx, client.ObjectKeyFromObject(object), object)
}

// NoteWrite records a write that was not made through Apply, so that Read and the
// counts know of it.
func (a *Applier) NoteWrite(kind, verb string, object client.Object) {
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
