package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

func remembersOf(t *testing.T, r *ArgusBotReconciler, bot *v1alpha1.ArgusBot) *memory {
	t.Helper()
	known, err := r.remember(t.Context(), bot)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// What is remembered of a bot is not believed of another that comes under its name, and
// goes when the bot has gone.
func TestABotsMemoryIsItsOwn(t *testing.T) {
	bot := &v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "mybot", UID: "uid"}}
	r := &ArgusBotReconciler{}
	remembersOf(t, r, bot).entered = true
	if !remembersOf(t, r, bot).entered {
		t.Error("nothing is remembered of the same bot")
	}
	other := bot.DeepCopy()
	other.Namespace = "others"
	if remembersOf(t, r, other).entered {
		t.Error("a bot of another namespace is taken for it")
	}
	next := bot.DeepCopy()
	next.UID = "another-uid"
	if remembersOf(t, r, next).entered {
		t.Error("its successor under the name is taken for it")
	}
	remembersOf(t, r, next).entered = true
	for _, gone := range []*v1alpha1.ArgusBot{next, other} {
		if err := r.forget(t.Context(), nameOf(gone)); err != nil {
			t.Fatal(err)
		}
	}
	r.memories.byName.Range(func(name, _ any) bool { t.Errorf("%v is remembered although it is gone", name); return true })
}

// Discord forgets no start because a bot is deleted, or made anew.
func TestALedgerThatWaitsIsWrittenBeforeItsBotIsForgotten(t *testing.T) {
	const before, after = "before", "after"
	bot := &v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "mybot", UID: "uid"}}
	next := bot.DeepCopy()
	next.UID = "another-uid"
	for sentence, tc := range map[string]struct {
		meanwhile func(*corev1.ConfigMap)
		ends      func(*ArgusBotReconciler) error
		want      string
	}{
		"it is deleted": {nil, func(r *ArgusBotReconciler) error { return r.forget(t.Context(), nameOf(bot)) }, after},
		"another comes": {nil, func(r *ArgusBotReconciler) error { _, err := r.remember(t.Context(), next); return err }, after},
		"somebody wrote": {
			func(c *corev1.ConfigMap) { c.Data[manifests.IdentifyLedgerKey] = "theirs" },
			func(r *ArgusBotReconciler) error { return r.forget(t.Context(), nameOf(bot)) }, "theirs",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			config := &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "ledger"}, Data: map[string]string{manifests.IdentifyLedgerKey: before},
			}
			server := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(config).Build()
			r := &ArgusBotReconciler{Base: Base{Client: server, Applier: apply.New(server, server, func(string, string) {})}}
			read := &corev1.ConfigMap{}
			look := func() {
				if err := server.Get(t.Context(), client.ObjectKeyFromObject(config), read); err != nil {
					t.Fatal(err)
				}
			}
			look()
			remembersOf(t, r, bot).ledger = heldLedger{config: read.DeepCopy(), text: after}
			if tc.meanwhile != nil {
				tc.meanwhile(read)
				if err := server.Update(t.Context(), read); err != nil {
					t.Fatal(err)
				}
			}
			if err := tc.ends(r); err != nil {
				t.Fatal(err)
			}
			look()
			if got := read.Data[manifests.IdentifyLedgerKey]; got != tc.want {
				t.Errorf("the ledger holds %q, want %q", got, tc.want)
			}
		})
	}
}
