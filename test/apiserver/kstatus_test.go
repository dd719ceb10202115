//go:build apiserver

package apiserver

import (
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// kstatus is what kubectl-like tools, Argo CD and Flux make of an object as it stands.
func (w *world) kstatus(kind, name string) (status.Status, *unstructured.Unstructured) {
	w.Helper()
	object := get(w, name, untyped(v1alpha1.GroupVersion.WithKind(kind)))
	result, err := status.Compute(object)
	if err != nil {
		w.Fatal(err)
	}
	return result.Status, object
}

func (w *world) waitKstatus(kind, name string, want status.Status) {
	w.Helper()
	w.eventually(func() string {
		got, object := w.kstatus(kind, name)
		if got == want {
			return ""
		}
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		return kind + " is " + got.String() + ", want " + want.String() + ": " + jsonOf(w, conditions)
	})
}

// Tools that know the kstatus rules, and nothing of these kinds, tell right what is
// going on in every state.
func TestKstatusUnderstandsEveryState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asleep := newFleet("asleep")
	asleep.Spec.Suspend = ptr.To(v1alpha1.SuspendAll)
	w.create(asleep)
	w.waitKstatus(v1alpha1.KindArgusFleet, "asleep", status.InProgressStatus)

	fleet, bot := newFleet("main"), newBot("mybot", "main", 2, 1)
	w.create(discordSecret(), fleet, bot)
	w.waitKstatus(v1alpha1.KindArgusFleet, "main", status.InProgressStatus)
	w.waitKstatus(v1alpha1.KindArgusBot, "mybot", status.InProgressStatus)
	for _, name := range []string{"main-fleet", "mybot-bot-0"} {
		w.playKubelet(name, true)
	}
	both := []string{v1alpha1.KindArgusFleet, v1alpha1.KindArgusBot}
	names := map[string]string{v1alpha1.KindArgusFleet: "main", v1alpha1.KindArgusBot: "mybot"}
	all := func(want status.Status) {
		t.Helper()
		for _, kind := range both {
			w.waitKstatus(kind, names[kind], want)
		}
	}
	all(status.CurrentStatus)
	suspendBoth(w, fleet, bot, v1alpha1.SuspendRollouts)
	all(status.CurrentStatus)
	suspendBoth(w, fleet, bot, v1alpha1.SuspendNone)
	all(status.CurrentStatus)

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Image = new(otherImage) })
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Image = otherImage })
	all(status.InProgressStatus)
	for _, name := range []string{"main-fleet", "mybot-bot-0"} {
		w.eventually(func() string {
			if imageOf(w, name) != otherImage {
				return name + " is not changed"
			}
			return ""
		})
		w.playKubelet(name, true)
	}
	all(status.CurrentStatus)

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.TLS = &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: "nowhere"}}
	})
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) {
		b.Spec.Metrics = &v1alpha1.BotMetrics{TokenSecretRef: &v1alpha1.SecretKeyRef{Name: "nowhere", Key: "x"}}
	})
	all(status.FailedStatus)
	w.everyConditionIsOfThisSpec("main", fleet)
	w.everyConditionIsOfThisSpec("mybot", bot)

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Finalizers = []string{"example.com/somebody"} })
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Finalizers = append(b.Finalizers, "example.com/somebody") })
	for _, object := range []client.Object{fleet, bot} {
		if err := admin.Delete(w.ctx, object); err != nil {
			t.Fatal(err)
		}
	}
	all(status.TerminatingStatus)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Finalizers = nil })
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Finalizers = nil })
}

func (w *world) everyConditionIsOfThisSpec(name string, object client.Object) {
	w.Helper()
	get(w, name, object)
	for _, condition := range conditionsOf(object) {
		if condition.ObservedGeneration != object.GetGeneration() {
			w.Errorf("%s of %s speaks of generation %d, the spec is %d", condition.Type, name, condition.ObservedGeneration, object.GetGeneration())
		}
		if condition.Status == metav1.ConditionFalse && (condition.Type == v1alpha1.ConditionStalled || condition.Type == v1alpha1.ConditionReconciling) {
			w.Errorf("%s of %s is there although it is not true", condition.Type, name)
		}
	}
}

func jsonOf(w *world, value any) string {
	w.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		w.Fatal(err)
	}
	return string(encoded)
}
