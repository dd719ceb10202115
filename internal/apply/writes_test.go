package apply

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func serviceAt(name, version string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: name, ResourceVersion: version}}
}

// A cache that has not seen our last write of an object is not believed.
func TestWhatACacheHasNotSeen(t *testing.T) {
	w := newWrites(time.Now)
	w.note(serviceAt("ours", "10"))
	for sentence, tc := range map[string]struct {
		cached *corev1.Service
		found  bool
		want   bool
	}{
		"it shows an older one":                 {serviceAt("ours", "9"), true, true},
		"it shows the one that we wrote":        {serviceAt("ours", "10"), true, false},
		"it shows what somebody wrote after us": {serviceAt("ours", "11"), true, false},
		"it shows none":                         {serviceAt("ours", ""), false, true},
		"it shows what we never wrote":          {serviceAt("other", "9"), true, false},
		"it shows none where we wrote none":     {serviceAt("other", ""), false, false},
		"versions that cannot be compared":      {serviceAt("ours", "x"), true, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := w.newerThan(tc.cached, tc.found); got != tc.want {
				t.Errorf("newer than the cache: %v, want %v", got, tc.want)
			}
		})
	}
}

// A cache that still shows what we deleted is not believed; one that shows another
// object under the name is.
func TestWhatACacheStillShowsOfADeletedObject(t *testing.T) {
	w := newWrites(time.Now)
	object := func(uid types.UID) *corev1.Service {
		made := serviceAt("ours", "9")
		made.UID = uid
		return made
	}
	w.noteDelete(object("deleted"))
	if !w.newerThan(object("deleted"), true) {
		t.Error("a deleted object that a cache still shows is believed")
	}
	if w.newerThan(object("its successor"), true) || w.newerThan(object(""), false) {
		t.Error("what is there after a delete is not believed")
	}
}

func TestOldWritesAreForgotten(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWrites(func() time.Time { return now })
	w.note(serviceAt("first", "1"))
	now = now.Add(writeMemory)
	w.note(serviceAt("second", "2"))
	if !w.newerThan(serviceAt("first", ""), false) {
		t.Error("a write was forgotten before its time")
	}
	now = now.Add(time.Minute)
	w.note(serviceAt("third", "3"))
	if len(w.last) != 2 || w.newerThan(serviceAt("first", ""), false) {
		t.Errorf("%d writes are remembered, want the last two", len(w.last))
	}
}
