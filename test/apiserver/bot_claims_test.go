//go:build apiserver

package apiserver

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Each cluster has its own claim, which grows with the spec, says when it cannot, and
// goes with the cluster or the field, but not before the pods have let go of it.
func TestClustersHaveClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := ungatedBot("mybot", 4, 2)
	class := w.storageClass(true)
	bot.Spec.State = &v1alpha1.BotState{Size: quantity("16Mi"), StorageClassName: &class}
	k := w.bring(bot)
	for _, name := range []string{"mybot-bot-0-state", "mybot-bot-1-state"} {
		w.bind(name, "16Mi")
	}
	for _, pod := range w.podsOf("mybot-bot-1") {
		if claim := claimOf(&pod); claim != "mybot-bot-1-state" {
			t.Errorf("the state of cluster 1 is in %q", claim)
		}
	}
	w.quietly()

	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.State.Size = quantity("32Mi") })
	w.eventually(func() string {
		if size := get(w, "mybot-bot-1-state", &corev1.PersistentVolumeClaim{}).Spec.Resources.Requests.Storage(); size.String() != "32Mi" {
			return "the claim asks for " + size.String()
		}
		return ""
	})
	w.complete(bot)
	if got := len(k.history()); got != 2 {
		t.Errorf("a larger claim restarted clusters: %d starts", got)
	}

	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Sharding = v1alpha1.Sharding{Total: 4, Clusters: ptr.To[int32](1)} })
	w.complete(bot)
	w.waitLeaving("mybot-bot-1-state")

	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.State = nil })
	w.complete(bot)
	w.waitLeaving("mybot-bot-0-state")
	w.quietly()
}

func claimOf(pod *corev1.Pod) string {
	for _, volume := range pod.Spec.Volumes {
		if volume.Name == "state" && volume.PersistentVolumeClaim != nil {
			return volume.PersistentVolumeClaim.ClaimName
		}
	}
	return ""
}

// waitLeaving waits until a claim is gone, or going: its protection waits for a
// controller that does not run here.
func (w *world) waitLeaving(name string) {
	w.Helper()
	claim := &corev1.PersistentVolumeClaim{}
	w.eventually(func() string {
		if w.exists(name, claim) == "" && claim.DeletionTimestamp == nil {
			return name + " stands"
		}
		return ""
	})
}

// A class that lets nothing grow is told of, and keeps nobody from Ready.
func TestAClaimOfAClusterThatMayNotGrowIsToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := ungatedBot("mybot", 1, 1)
	class := w.storageClass(false)
	bot.Spec.State = &v1alpha1.BotState{Size: quantity("16Mi"), StorageClassName: &class}
	w.bring(bot)
	w.bind("mybot-bot-0-state", "16Mi")
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.State.Size = quantity("32Mi") })
	w.eventually(func() string {
		ready := w.condition(bot, v1alpha1.ConditionReady)
		if ready.Status != metav1.ConditionTrue || !strings.Contains(ready.Message, `"mybot-bot-0-state": the claim cannot grow to 32Mi`) {
			return "Ready says " + ready.Message
		}
		return ""
	})
	w.quietly()
}

// A claim that somebody deletes goes with its pod, and holds up nothing until then.
func TestAClaimThatIsDeletedHoldsUpNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := ungatedBot("mybot", 2, 1)
	bot.Spec.State = &v1alpha1.BotState{Size: quantity("16Mi")}
	w.bring(bot)
	if err := admin.Delete(w.ctx, get(w, "mybot-bot-0-state", &corev1.PersistentVolumeClaim{})); err != nil {
		t.Fatal(err)
	}
	w.waitLeaving("mybot-bot-0-state")
	w.setImage(bot, newImage)
	w.complete(bot)
	w.eventually(func() string {
		if ready := w.condition(bot, v1alpha1.ConditionReady); !strings.Contains(ready.Message, `"mybot-bot-0-state": somebody has deleted the claim`) {
			return "Ready says " + ready.Message
		}
		return ""
	})
	w.quietly()
}

// A changed Secret replaces the pods where the spec asks for that, cluster by cluster,
// and not before it can be read.
func TestAChangedSecretIsRolledOut(t *testing.T) {
	w := newWorld(t)
	w.setClock(yesterday)
	bot := ungatedBot("mybot", 2, 2)
	bot.Spec.Rollout.OnSecretChange = ptr.To(v1alpha1.SecretChangeRollout)
	ignoring := ungatedBot("other", 1, 1)
	k := w.bring(bot, ignoring)
	before := len(k.history())
	w.quietly()

	secret := &corev1.Secret{}
	change(w, "discord-bot", secret, func(s *corev1.Secret) { s.Data["unrelated"] = []byte("x") })
	w.later(yesterday+secondLook, bot)
	if got := len(k.history()); got != before {
		t.Fatalf("another key of the Secret restarted %d clusters", got-before)
	}

	change(w, "discord-bot", secret, func(s *corev1.Secret) { s.Data["token"] = []byte("a-new-token") })
	w.later(yesterday+2*secondLook, bot)
	w.awaitStart(k, "mybot-bot-1", oldImage, 2)
	w.complete(bot)
	var order []string
	for _, start := range k.history()[before:] {
		order = append(order, start.cluster)
	}
	if diff := cmp.Diff([]string{"mybot-bot-0", "mybot-bot-1"}, order); diff != "" {
		t.Errorf("started: -want +got\n%s", diff)
	}
	w.restart(nil)
	w.quietly()

	if err := admin.Delete(w.ctx, secret); err != nil {
		t.Fatal(err)
	}
	w.later(yesterday+3*secondLook, bot)
	if got := len(k.history()); got != before+2 {
		t.Errorf("a Secret that is gone restarted %d clusters", got-before-2)
	}
	for _, deployment := range []string{"mybot-bot-0", "other-bot-0"} {
		if text := digestOf(w.deployment(deployment)); strings.Contains(text, "a-new-token") {
			t.Error("the token stands in a Deployment")
		}
	}
}

// later has the operator look at a bot at another time of its clock.
func (w *world) later(offset time.Duration, bot *v1alpha1.ArgusBot) {
	w.Helper()
	w.setClock(offset)
	change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) {
		metav1.SetMetaDataAnnotation(&b.ObjectMeta, "example.com/look", offset.String())
	})
	w.settle()
}

// secondLook is later than a Secret that pods follow is read again.
const secondLook = 70 * time.Second
