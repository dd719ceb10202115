package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// A bot's limit may be that of the others with its token. The bot itself is looked at anyway.
func TestABotLeadsToTheOthersWithItsToken(t *testing.T) {
	bot := func(namespace, name, secret, key string) *v1alpha1.ArgusBot {
		ref := v1alpha1.SecretKeyRef{Name: secret, Key: key}
		return &v1alpha1.ArgusBot{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec:       v1alpha1.ArgusBotSpec{Discord: v1alpha1.Discord{TokenSecretRef: ref}},
		}
	}
	edited := bot("bots", "edited", "discord", "token")
	server := fake.NewClientBuilder().WithScheme(ownKinds(t)).
		WithIndex(edited, tokenIndex, func(object client.Object) []string { return []string{tokenOf(object.(*v1alpha1.ArgusBot))} }).
		WithObjects(edited, bot("bots", "second", "discord", "token"), bot("bots", "third", "discord", "token"),
			bot("bots", "otherkey", "discord", "other"), bot("others", "edited", "discord", "token")).Build()
	r := &ArgusBotReconciler{Base: Base{Client: server}}
	want := []reconcile.Request{
		{NamespacedName: types.NamespacedName{Namespace: "bots", Name: "second"}},
		{NamespacedName: types.NamespacedName{Namespace: "bots", Name: "third"}},
	}
	if diff := cmp.Diff(want, r.sharing(t.Context(), edited)); diff != "" {
		t.Errorf("it leads elsewhere (-want +got):\n%s", diff)
	}
}
