package controllers

import (
	"context"
	"fmt"
	"sync"

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
			if sizes, err = keySizes(ctx, reader, namespace, from); err != nil {
				return nil, "", err
			}
			read[from] = sizes
		}
		switch {
		case sizes == nil:
			return wanted, fmt.Sprintf("%s %q does not exist: create it with the key %q", wanted.kind, wanted.name, wanted.key), nil
		case sizes[wanted.key] == 0:
			return wanted, fmt.Sprintf("%s %q has no key %q, or it is empty: add it", wanted.kind, wanted.name, wanted.key), nil
		}
	}
	return nil, "", nil
}

// keySizes returns the length of each value of a Secret or ConfigMap, or nil when
// there is none. The values themselves are nobody's business here.
func keySizes(ctx context.Context, reader client.Reader, namespace string, from inputSource) (map[string]int, error) {
	data, err := readData(ctx, reader, namespace, from)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // nil is "there is none"
	}
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

// secretMissing is what the conditions say of an input that is not there.
func secretMissing(wanted *input, problem string) *hold {
	return &hold{reason: v1alpha1.ReasonSecretMissing, message: wanted.field + ": " + problem, stalled: true, after: retryMissing}
}

// verified remembers of which objects, and which spec of each, all inputs were found.
type verified struct{ generations sync.Map }

// has tells whether the inputs of this very spec were found.
func (v *verified) has(object metav1.Object) bool {
	generation, ok := v.generations.Load(object.GetUID())
	return ok && generation == object.GetGeneration()
}

func (v *verified) note(object metav1.Object) {
	v.generations.Store(object.GetUID(), object.GetGeneration())
}

func (v *verified) forget(uid types.UID) { v.generations.Delete(uid) }
