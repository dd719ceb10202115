package controllers

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
)

// ownKinds are the project's own.
func ownKinds(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return scheme
}

// What was found of a spec is not written over the next one: it is looked at again, and
// nobody is told of an error.
func TestAStatusOfAnOlderSpecIsNotWritten(t *testing.T) {
	bot := &v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "mybot"}}
	server := fake.NewClientBuilder().WithScheme(ownKinds(t)).WithStatusSubresource(bot).WithObjects(bot).Build()
	get := func() *v1alpha1.ArgusBot {
		t.Helper()
		found := &v1alpha1.ArgusBot{}
		if err := server.Get(t.Context(), client.ObjectKeyFromObject(bot), found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	b := &Base{Client: server, Applier: apply.New(server, server, func(string, string) {}), Events: events.NewFakeRecorder(1)}
	write := func(read *v1alpha1.ArgusBot) error {
		before := read.DeepCopy()
		read.Status.Image = "seen"
		return writeStatus(t.Context(), b, v1alpha1.KindArgusBot, before, read, botStatusOf)
	}
	read := get()
	edited := get()
	edited.Spec.Image = "next"
	if err := server.Update(t.Context(), edited); err != nil {
		t.Fatal(err)
	}
	err := write(read)
	if !apierrors.IsConflict(err) || get().Status.Image != "" {
		t.Errorf("error %v, status %+v; want a conflict, and nothing written", err, get().Status)
	}
	if result, err := again(err); err != nil || result != (reconcile.Result{RequeueAfter: retryRace}) {
		t.Errorf("%+v, %v; want that it is looked at again soon", result, err)
	}
	if err := write(get()); err != nil || get().Status.Image != "seen" || get().Spec.Image != "next" {
		t.Errorf("error %v, now %+v", err, get())
	}
}
