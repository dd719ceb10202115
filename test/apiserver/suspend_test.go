//go:build apiserver

package apiserver

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const otherImage = "example.com/other:v2"

func suspendBoth(w *world, fleet *v1alpha1.ArgusFleet, bot *v1alpha1.ArgusBot, mode v1alpha1.SuspendMode) {
	w.Helper()
	change(w, fleet.Name, fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Suspend = &mode })
	change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) { b.Spec.Suspend = &mode })
}

// Suspended rollouts leave what runs as it was, put right what was changed by hand,
// and follow the spec in what restarts nothing.
func TestSuspendedRolloutsHealAndStartNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet, bot := runningBot(w)
	suspendBoth(w, fleet, bot, v1alpha1.SuspendRollouts)
	w.waitMessage(fleet, v1alpha1.ConditionReady, "suspended (spec.suspend: Rollouts): the control plane is running")
	w.waitMessage(bot, v1alpha1.ConditionReady, "suspended (spec.suspend: Rollouts): every cluster runs as the spec says")
	w.quietly()

	for _, name := range []string{"main-fleet", "mybot-bot-0"} {
		change(w, name, &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
	}
	w.eventually(func() string {
		for _, name := range []string{"main-fleet", "mybot-bot-0"} {
			if *get(w, name, &appsv1.Deployment{}).Spec.Replicas != 1 {
				return name + " is not healed"
			}
		}
		return ""
	})
	if err := admin.Delete(w.ctx, get(w, "mybot-bot-1", &appsv1.Deployment{})); err != nil {
		t.Fatal(err)
	}
	w.eventually(func() string { return w.exists("mybot-bot-1", &appsv1.Deployment{}) })
	for _, name := range []string{"main-fleet", "mybot-bot-0", "mybot-bot-1"} {
		w.playKubelet(name, true)
	}

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.Image, f.Spec.Service = new(otherImage), &v1alpha1.FleetService{Annotations: map[string]string{"a": "b"}}
	})
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Image = otherImage })
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	w.waitMessage(bot, v1alpha1.ConditionReady, "suspended (spec.suspend: Rollouts): not changed to what the spec asks for: mybot-0, mybot-1")
	w.eventually(func() string {
		if get(w, "main-fleet", &corev1.Service{}).Annotations["a"] != "b" {
			return "the Service does not follow"
		}
		return ""
	})
	w.quietly()
	for _, name := range []string{"main-fleet", "mybot-bot-0", "mybot-bot-1"} {
		if imageOf(w, name) == otherImage {
			t.Errorf("%s was rolled out", name)
		}
	}

	// A new layout would run shards that the old clusters still run.
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) {
		b.Spec.Sharding = v1alpha1.Sharding{Total: 6, Clusters: ptr.To[int32](3)}
		b.Spec.Discord.MaxConcurrency = ptr.To[int32](16) // or each start would wait for the one before
	})
	w.quietly()
	if w.exists("mybot-bot-2", &appsv1.Deployment{}) == "" {
		t.Error("a cluster of the new layout was started beside the old ones")
	}

	suspendBoth(w, fleet, bot, v1alpha1.SuspendNone)
	w.runsImage(otherImage, "main-fleet", "mybot-bot-0") // the old layout's clusters go before the new ones come
	for _, name := range []string{"main-fleet", "mybot-bot-0", "mybot-bot-1", "mybot-bot-2"} {
		w.playKubelet(name, true)
	}
	w.waitMessage(fleet, v1alpha1.ConditionReady, "the control plane is running")
	w.waitMessage(bot, v1alpha1.ConditionReady, "every cluster runs as the spec says")
}

// runsImage waits until Deployments are there, and are to run an image.
func (w *world) runsImage(image string, names ...string) {
	w.Helper()
	w.eventually(func() string {
		for _, name := range names {
			var deployment appsv1.Deployment
			if w.exists(name, &deployment) != "" || deployment.Spec.Template.Spec.Containers[0].Image != image {
				return name + " does not follow the spec"
			}
		}
		return ""
	})
}

// All leaves everything as it is, drift included; the status goes on telling the truth.
func TestSuspendedWholeNothingIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet, bot := runningBot(w)
	suspendBoth(w, fleet, bot, v1alpha1.SuspendAll)
	w.waitMessage(fleet, v1alpha1.ConditionReady, "suspended (spec.suspend: All): the control plane is running")
	w.waitMessage(bot, v1alpha1.ConditionReady, "suspended (spec.suspend: All): every cluster runs as the spec says")
	change(w, "mybot-bot-0", &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
	change(w, "main-fleet", &corev1.Service{}, func(s *corev1.Service) { s.Spec.Ports[0].Port = 1234 })
	w.waitMessage(bot, v1alpha1.ConditionReady, "suspended (spec.suspend: All): not changed to what the spec asks for: mybot-0")
	w.playKubelet("main-fleet", false)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	if *get(w, "mybot-bot-0", &appsv1.Deployment{}).Spec.Replicas != 0 || get(w, "main-fleet", &corev1.Service{}).Spec.Ports[0].Port != 1234 {
		t.Error("something was healed although everything is suspended")
	}
	second := newFleet("second")
	second.Spec.Suspend = ptr.To(v1alpha1.SuspendAll)
	w.create(second)
	w.waitCondition(second, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	if w.exists("second-fleet", &corev1.Service{}) == "" || w.exists("second-fleet-server", &corev1.Secret{}) == "" {
		t.Error("something was made although everything is suspended")
	}
	if err := admin.Delete(w.ctx, bot, client.Preconditions{}); err != nil {
		t.Fatal(err)
	}
	w.eventually(func() string {
		if w.exists("mybot", bot) == "" {
			return "a suspended bot cannot be deleted"
		}
		return ""
	})
}
