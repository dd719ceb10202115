package controllers

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// input is a key of a Secret or ConfigMap that pods need and that somebody else makes.
type input struct {
	// field of the spec that names it, for messages.
	field     string
	kind      v1alpha1.CAKind
	name, key string
}

// inputSource names the object that holds an input.
type inputSource struct {
	kind v1alpha1.CAKind
	name string
}

// missingInput returns the first input that is not there, or nil. A pod that waits for
// one says so only in its events, which the operator does not read.
func missingInput(ctx context.Context, reader client.Reader, namespace string, inputs []input) (*input, string, error) {
	read := map[inputSource]map[string]int{}
	for i := range inputs {
		wanted := &inputs[i]
		from := inputSource{wanted.kind, wanted.name}
		sizes, ok := read[from]
		if !ok {
			var err error
			if sizes, err = keySizes(ctx, reader, namespace, from); err != nil && !apierrors.IsNotFound(err) {
				return nil, "", err
			}
			read[from] = sizes
		}
		if sizes[wanted.key] == 0 {
			return wanted, missingKey(wanted.kind, wanted.name, wanted.key, sizes != nil), nil
		}
	}
	return nil, "", nil
}

// missingKey says what is wrong with an input that has no value, and what to do.
func missingKey(kind v1alpha1.CAKind, name, key string, exists bool) string {
	if !exists {
		return fmt.Sprintf("%s %q does not exist: create it with the key %q", kind, name, key)
	}
	return fmt.Sprintf("%s %q has no key %q, or it is empty: add it", kind, name, key)
}

// keySizes returns the length of each value of a Secret or ConfigMap. The values
// themselves are nobody's business here.
func keySizes(ctx context.Context, reader client.Reader, namespace string, from inputSource) (map[string]int, error) {
	data, err := readData(ctx, reader, namespace, from)
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", from.kind, from.name, err)
	}
	sizes := map[string]int{}
	for key, value := range data {
		sizes[key] = len(value)
	}
	return sizes, nil
}

// readData reads what a Secret or ConfigMap holds. The error is the API server's.
func readData(ctx context.Context, reader client.Reader, namespace string, from inputSource) (map[string][]byte, error) {
	key := client.ObjectKey{Namespace: namespace, Name: from.name}
	if from.kind == v1alpha1.CAInSecret {
		var secret corev1.Secret
		err := reader.Get(ctx, key, &secret)
		return secret.Data, err
	}
	// Unstructured, it is read from the API server: the cache holds no ConfigMap but our own.
	raw := &unstructured.Unstructured{}
	raw.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	if err := reader.Get(ctx, key, raw); err != nil {
		return nil, err
	}
	var config corev1.ConfigMap
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, &config); err != nil {
		return nil, fmt.Errorf("decoding it: %w", err)
	}
	data := config.BinaryData
	if data == nil {
		data = map[string][]byte{}
	}
	for name, value := range config.Data {
		data[name] = []byte(value)
	}
	return data, nil
}

// secretsOnce reads each Secret once, however often it is asked for. Secrets are in no
// cache, so each read is a request.
type secretsOnce struct {
	client.Reader
	read map[client.ObjectKey]secretRead
}

type secretRead struct {
	secret corev1.Secret
	err    error
}

func newSecretsOnce(reader client.Reader) *secretsOnce {
	return &secretsOnce{reader, map[client.ObjectKey]secretRead{}}
}

// Get implements client.Reader.
func (o *secretsOnce) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return o.Reader.Get(ctx, key, object, options...)
	}
	known, ok := o.read[key]
	if !ok {
		known.err = o.Reader.Get(ctx, key, &known.secret, options...)
		o.read[key] = known
	}
	known.secret.DeepCopyInto(secret)
	return known.err
}

// secretMissing is what the conditions say of an input that is not there.
func secretMissing(wanted *input, problem string) *hold {
	return &hold{reason: v1alpha1.ReasonSecretMissing, message: wanted.field + ": " + problem, stalled: true, after: retryMissing}
}

// verified remembers of which objects, and which spec of each, all inputs were found.
type verified struct{ specs sync.Map }

// verifiedSpec is one spec of one object, and when its inputs were found.
type verifiedSpec struct {
	uid        types.UID
	generation int64
	at         time.Time
}

// foundLately is how long inputs count as there of which an object's pods may still be
// waiting for one, or which starts that wait for their budget will need.
const foundLately = 3 * time.Minute

// has tells whether the inputs of this very spec were found: ever, of an object that is
// ready, and lately, of one that is not. While pods start there is a reconcile for each
// of their steps, and the Secrets are read from the API server.
func (v *verified) has(object metav1.Object, ready bool, now time.Time) bool {
	found, ok := v.specs.Load(nameOf(object))
	if !ok {
		return false
	}
	last := found.(verifiedSpec)
	return last.uid == object.GetUID() && last.generation == object.GetGeneration() && (ready || now.Sub(last.at) < foundLately)
}

func (v *verified) note(object metav1.Object, now time.Time) {
	v.specs.Store(nameOf(object), verifiedSpec{object.GetUID(), object.GetGeneration(), now})
}

// forget goes by the name, which is all that is left of an object that is gone.
func (v *verified) forget(name types.NamespacedName) { v.specs.Delete(name) }

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}
