package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// HashAnnotation holds a digest of what was last applied. What was applied and is
// no longer wanted shows by it; what a person changed shows by comparison.
const HashAnnotation = "argus.dev/applied-hash"

// wanted is a desired object, prepared for comparing and sending.
type wanted struct {
	// stamped is the typed object with its digest.
	stamped client.Object
	// applied is its applied form: without zero structs and nulls.
	applied *unstructured.Unstructured
	// typed is the same with its schema; nil for a kind that we have no Go type of.
	typed *typed.TypedValue
}

func (a *Applier) newWanted(desired client.Object) (*wanted, error) {
	gvk, err := apiutil.GVKForObject(desired, a.client.Scheme())
	if err != nil {
		return nil, err
	}
	stamped := desired.DeepCopyObject().(client.Object)
	stamped.GetObjectKind().SetGroupVersionKind(gvk)
	applied, err := appliedForm(stamped)
	if err != nil {
		return nil, err
	}
	// No digest of a Secret is shown to those who may read metadata only: its fields
	// are compared, and that is all.
	if _, secret := desired.(*corev1.Secret); !secret {
		if err := stamp(stamped, applied); err != nil {
			return nil, err
		}
	}
	if untyped(desired) {
		return &wanted{stamped: stamped, applied: applied}, nil
	}
	typedValue, err := a.types.ObjectToTyped(applied)
	if err != nil {
		return nil, fmt.Errorf("typing the desired object: %w", err)
	}
	return &wanted{stamped: stamped, applied: applied, typed: typedValue}, nil
}

func stamp(object client.Object, applied *unstructured.Unstructured) error {
	encoded, err := json.Marshal(applied.Object)
	if err != nil {
		return fmt.Errorf("encoding the desired object: %w", err)
	}
	digest := sha256.Sum256(encoded)
	annotations := maps.Clone(object.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[HashAnnotation] = hex.EncodeToString(digest[:16])
	object.SetAnnotations(annotations)
	applied.SetAnnotations(annotations)
	return nil
}

// body is what a server-side apply sends: the applied form, for this very object.
// The UID makes the server refuse it if the object has been replaced meanwhile.
func (w *wanted) body(current client.Object) ([]byte, error) {
	object := w.applied.DeepCopy()
	object.SetUID(current.GetUID())
	return json.Marshal(object.Object)
}

// same tells whether the live object has every wanted field as it was applied.
func (a *Applier) same(current client.Object, want *wanted) (bool, error) {
	object := current.DeepCopyObject().(client.Object)
	object.GetObjectKind().SetGroupVersionKind(want.applied.GroupVersionKind())
	live, err := appliedForm(object)
	if err != nil {
		return false, err
	}
	if want.typed == nil {
		return contains(live.Object, want.applied.Object), nil
	}
	// What stands may hold an environment variable twice: the API server lets a person add it.
	liveTyped, err := a.types.ObjectToTyped(live, typed.AllowDuplicates)
	if err != nil {
		return false, fmt.Errorf("typing the live %s %s: %w", live.GetKind(), live.GetName(), err)
	}
	fields, err := want.typed.ToFieldSet()
	if err != nil {
		return false, fmt.Errorf("listing the fields of %s %s: %w", live.GetKind(), live.GetName(), err)
	}
	difference, err := want.typed.Compare(liveTyped.ExtractItems(fields))
	if err != nil {
		return false, fmt.Errorf("comparing %s %s: %w", live.GetKind(), live.GetName(), err)
	}
	return difference.IsSame(), nil
}

// appliedForm is the object as a server-side apply should say it. Structs that Go
// cannot leave out (creationTimestamp, status, an empty strategy or resources)
// would otherwise claim fields that nobody meant.
func appliedForm(object client.Object) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("converting: %w", err)
	}
	if untyped(object) {
		content = runtime.DeepCopyJSON(content) // the converter hands out the object's own
	}
	delete(content, "status")
	dropZero(content)
	return &unstructured.Unstructured{Object: content}, nil
}

// untyped tells of objects of kinds that the operator has no Go type of, and so no schema.
func untyped(object client.Object) bool {
	_, ok := object.(*unstructured.Unstructured)
	return ok
}

// contains tells whether live has every wanted field with the wanted value. Lists are
// as long as wanted and in the same order; what a CRD's defaults have added to their
// elements, and what others have added to maps, makes no difference.
func contains(live, wanted any) bool {
	switch want := wanted.(type) {
	case map[string]any:
		have, ok := live.(map[string]any)
		for key, value := range want {
			found, exists := have[key]
			ok = ok && exists && contains(found, value)
		}
		return ok
	case []any:
		have, ok := live.([]any)
		if !ok || len(have) != len(want) {
			return false
		}
		for i := range want {
			ok = ok && contains(have[i], want[i])
		}
		return ok
	}
	return equality.Semantic.DeepEqual(live, wanted)
}

func dropZero(value any) {
	switch node := value.(type) {
	case map[string]any:
		for key, child := range node {
			dropZero(child)
			empty, isMap := child.(map[string]any)
			if child == nil || (isMap && len(empty) == 0 && (key == "strategy" || key == "resources")) {
				delete(node, key)
			}
		}
	case []any:
		for _, child := range node {
			dropZero(child)
		}
	}
}
