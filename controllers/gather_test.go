package controllers

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// A burst of news of a bot's pods is one look at the bot, and a request that is due at
// once does not wait for it.
func TestNewsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := priorityqueue.New[reconcile.Request]("bots")
		defer queue.ShutDown()
		news := gathered{handler.EnqueueRequestsFromMapFunc(requestFromLabel(v1alpha1.LabelBot)), gathering}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "pod", Labels: map[string]string{v1alpha1.LabelBot: "mybot"}}}
		burst := func() {
			news.Create(t.Context(), event.CreateEvent{Object: pod}, queue)
			news.Update(t.Context(), event.UpdateEvent{ObjectOld: pod, ObjectNew: pod}, queue)
			news.Delete(t.Context(), event.DeleteEvent{Object: pod}, queue)
			news.Generic(t.Context(), event.GenericEvent{Object: pod}, queue)
		}
		begun := time.Now()
		burst()
		time.Sleep(gathering / 2)
		burst()
		request, _ := queue.Get()
		if request.Name != "mybot" || time.Since(begun) != gathering {
			t.Errorf("%v was due after %s, want mybot after %s", request, time.Since(begun), gathering)
		}
		queue.Done(request)
		time.Sleep(2 * gathering)
		if left := queue.Len(); left != 0 {
			t.Errorf("a burst is %d reconciles more", left)
		}

		burst()
		queue.Add(request)
		begun = time.Now()
		if _, _ = queue.Get(); time.Since(begun) != 0 {
			t.Errorf("what is due at once waited %s for what is gathered", time.Since(begun))
		}
	})
}
