package apply

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// verdictMemory is how long a verdict is kept that nobody asks for.
const verdictMemory = time.Hour

// verdicts remember which objects were found as desired. To compare the two field by
// field costs a thousand times as much as to see that both are what they were.
type verdicts struct {
	mu    sync.Mutex
	known map[string]verdict
	swept time.Time
}

// verdict is that a version of an object stands as desired.
type verdict struct {
	desired [sha256.Size]byte
	uid     types.UID // "" is that there is none yet, and that it could be made
	version string
	at      time.Time
}

func newVerdicts() *verdicts { return &verdicts{known: map[string]verdict{}} }

// question names a desired object; the same one has the same digest.
func question(desired client.Object) ([sha256.Size]byte, error) {
	text, err := json.Marshal(desired)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("encoding the desired object: %w", err)
	}
	return sha256.Sum256(text), nil
}

// versionOf changes with whatever is desired of an object. Where the API server counts
// the changes of the spec, neither a new status nor what others note on the object is a
// new version: a Deployment's move at each step of its pods.
func versionOf(live, desired client.Object) string {
	if live.GetGeneration() == 0 {
		return live.GetResourceVersion()
	}
	text, err := json.Marshal(metav1.ObjectMeta{ // what the generation does not count
		Generation: live.GetGeneration(), OwnerReferences: live.GetOwnerReferences(),
		Labels:      only(live.GetLabels(), desired.GetLabels()),
		Annotations: only(live.GetAnnotations(), desired.GetAnnotations(), map[string]string{HashAnnotation: ""}),
	})
	if err != nil {
		return live.GetResourceVersion() // which changes with all else, too
	}
	digest := sha256.Sum256(text)
	return string(digest[:])
}

// only leaves those of values whose keys are wanted.
func only(values map[string]string, wanted ...map[string]string) map[string]string {
	left := map[string]string{}
	for _, keys := range wanted {
		for key := range keys {
			if value, ok := values[key]; ok {
				left[key] = value
			}
		}
	}
	return left
}

// stands tells whether this very live object was found as desired, whose digest is asked.
func (v *verdicts) stands(live, desired client.Object, asked [sha256.Size]byte, now time.Time) bool {
	key, version := keyOf(desired), versionOf(live, desired)
	v.mu.Lock()
	defer v.mu.Unlock()
	last, ok := v.known[key]
	if !ok || last.desired != asked || last.uid != live.GetUID() || last.version != version {
		return false
	}
	last.at = now
	v.known[key] = last
	return true
}

func (v *verdicts) note(live, desired client.Object, asked [sha256.Size]byte, now time.Time) {
	found := verdict{asked, live.GetUID(), versionOf(live, desired), now}
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.swept) > verdictMemory {
		v.swept = now
		maps.DeleteFunc(v.known, func(_ string, old verdict) bool { return now.Sub(old.at) > verdictMemory })
	}
	v.known[keyOf(desired)] = found
}
