package apply

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// writeMemory is how long our own writes are remembered: any cache has caught up by then.
const writeMemory = 5 * time.Minute

// writes remembers the resource version of our last write of each object, so that
// a cache that has not seen it yet is not believed.
type writes struct {
	mu   sync.Mutex
	last map[string]write
}

type write struct {
	resourceVersion string
	at              time.Time
}

func newWrites() *writes { return &writes{last: map[string]write{}} }

func (w *writes) note(object client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for key, old := range w.last {
		if now.Sub(old.at) > writeMemory {
			delete(w.last, key)
		}
	}
	w.last[keyOf(object)] = write{object.GetResourceVersion(), now}
}

// newerThan tells whether we wrote the object after what a cache holds of it.
func (w *writes) newerThan(object client.Object, found bool) bool {
	w.mu.Lock()
	last, ok := w.last[keyOf(object)]
	w.mu.Unlock()
	if !ok {
		return false
	}
	if !found {
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
