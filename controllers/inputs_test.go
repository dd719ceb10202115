package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// What was found of one object says nothing of its next spec, nor of another object
// that comes under its name; and of one that is not ready it is looked at again soon.
func TestWhatWasVerified(t *testing.T) {
	found := time.Now()
	fleet := fleetNamed("main")
	fleet.Generation = 3
	for sentence, tc := range map[string]struct {
		alter func(*v1alpha1.ArgusFleet)
		ready bool
		after time.Duration
		want  bool
	}{
		"a moment ago":                       {nil, false, time.Second, true},
		"some time ago, not ready":           {nil, false, foundLately, false},
		"long ago, ready since":              {nil, true, time.Hour, true},
		"an edited spec":                     {func(f *v1alpha1.ArgusFleet) { f.Generation = 4 }, true, time.Second, false},
		"another object under the same name": {func(f *v1alpha1.ArgusFleet) { f.UID = "another-uid" }, true, time.Second, false},
		"another object":                     {func(f *v1alpha1.ArgusFleet) { f.Name = "other" }, true, time.Second, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			var v verified
			if v.has(fleet, true, found) {
				t.Error("nothing was verified yet")
			}
			v.note(fleet, found)
			object := fleet.DeepCopy()
			if tc.alter != nil {
				tc.alter(object)
			}
			if got := v.has(object, tc.ready, found.Add(tc.after)); got != tc.want {
				t.Errorf("verified %v, want %v", got, tc.want)
			}
			v.forget(nameOf(fleet))
			left := 0
			v.specs.Range(func(any, any) bool { left++; return true })
			if v.has(fleet, true, found) || left > 0 {
				t.Errorf("an object that is gone is remembered: %d", left)
			}
		})
	}
}

// Each Secret costs one request, one that is not there or cannot be read too, and
// nobody sees what another has done to its copy.
func TestEachSecretIsReadOnce(t *testing.T) {
	reads := map[string]int{}
	c := interceptor.NewClient(
		fake.NewClientBuilder().WithObjects(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "there"}, Data: map[string][]byte{"k": []byte("v")},
		}).Build(),
		interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			reads[key.Name]++
			if key.Name == "broken" {
				return errors.New("refused")
			}
			return c.Get(ctx, key, object, options...)
		}},
	)
	once := newSecretsOnce(c)
	for range 3 {
		var there, missing, broken corev1.Secret
		if err := once.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "there"}, &there); err != nil || string(there.Data["k"]) != "v" {
			t.Errorf("read %q, %v", there.Data["k"], err)
		}
		there.Data["k"] = []byte("changed")
		if err := once.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "missing"}, &missing); !apierrors.IsNotFound(err) {
			t.Errorf("a missing one: %v", err)
		}
		if err := once.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "broken"}, &broken); err == nil {
			t.Error("one that cannot be read is taken for read")
		}
	}
	for name, count := range reads {
		if count != 1 {
			t.Errorf("%s was read %d times", name, count)
		}
	}
	if len(reads) != 3 {
		t.Errorf("%d Secrets were read, want 3", len(reads))
	}
}
