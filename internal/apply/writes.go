package apply

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// writeMemory is how long our own writes are remembered: any cache has caught up by then.
const writeMemory = 5 * time.Minute

// writes remembers the resource version of our last write of each object, or which one
// we deleted, so that a cache that has not seen it yet is not believed.
type writes struct {
	now func() time.Time

	mu    sync.Mutex
	last  map[string]write
	swept time.Time
}

type write struct {
	resourceVersion string
	// deleted is the UID of the object if we deleted it.
	deleted types.UID
	at      time.Time
}

func newWrites(now func() time.Time) *writes { return &writes{now: now, last: map[string]write{}} }

func (w *writes) note(object client.Object) {
	w.put(object, write{resourceVersion: object.GetResourceVersion()})
}

func (w *writes) noteDelete(object client.Object) {
	w.put(object, write{deleted: object.GetUID()})
}

func (w *writes) put(object client.Object, last write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if now.Sub(w.swept) > writeMemory { // not each time: thousands of objects are written at once
		w.swept = now
		maps.DeleteFunc(w.last, func(_ string, old write) bool { return now.Sub(old.at) > writeMemory })
	}
	last.at = now
	w.last[keyOf(object)] = last
}

// newerThan tells whether we wrote or deleted the object after what a cache holds of it.
func (w *writes) newerThan(object client.Object, found bool) bool {
	w.mu.Lock()
	last, ok := w.last[keyOf(object)]
	w.mu.Unlock()
	switch {
	case !ok:
		return false
	case last.deleted != "":
		return found && object.GetUID() == last.deleted
	case !found:
		return true
	}
	order, err := resourceversion.CompareResourceVersion(object.GetResourceVersion(), last.resourceVersion)
	return err != nil || order < 0
}

func keyOf(object client.Object) string {
	kind := fmt.Sprintf("%T", object)
	if untyped(object) {
		kind = object.GetObjectKind().GroupVersionKind().String()
	}
	return kind + "/" + object.GetNamespace() + "/" + object.GetName()
}
