//go:build apiserver

package apiserver

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// loops is a container that fails as soon as it has started.
var loops = behaviour{crashesAfter: 100 * time.Millisecond, backOff: 400 * time.Millisecond, neverReady: true, says: nothing}

// tamed has what crashes take long breaks once so many containers have started: an
// operator that is on time has stopped it by then, and for a late one it waits.
func (k *kubelet) tamed(most int, script func(cluster, image string) behaviour) {
	k.behave(func(cluster, image string) behaviour {
		b := script(cluster, image)
		if len(k.starts) >= most { // scripts run under the lock
			b.backOff = 30 * time.Second
		}
		return b
	})
}

// loopingBot is a bot whose new image, the canary's for now, fails as soon as it starts.
func loopingBot(t *testing.T, limit int32) (*world, *kubelet, *v1alpha1.ArgusBot) {
	t.Helper()
	w := newWorld(t)
	w.setClock(yesterday)
	bot := playedBot("mybot", 4, 2)
	bot.Spec.Discord.IdentifyLimit = &limit
	k := w.bring(bot)
	k.tamed(13, newOnes(loops)) // each start is of two shards
	w.setImage(bot, newImage)
	return w, k, bot
}

// A crash loop is stopped before the token is spent also while the operator cannot follow
// the spec, for whatever reason.
func TestACrashLoopIsStoppedWhileTheSpecCannotBeFollowed(t *testing.T) {
	for sentence, tc := range map[string]struct {
		breaks func(w *world, bot *v1alpha1.ArgusBot)
		reason string
	}{
		"the ArgusFleet is gone": {func(w *world, _ *v1alpha1.ArgusBot) {
			if err := admin.Delete(w.ctx, get(w, "main", &v1alpha1.ArgusFleet{})); err != nil {
				w.Fatal(err)
			}
		}, v1alpha1.ReasonFleetNotFound},
		"a patch breaks the security floor": {func(w *world, bot *v1alpha1.ArgusBot) {
			change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) {
				b.Spec.Pod = &v1alpha1.Pod{Patch: &v1alpha1.Fragment{RawExtension: runtime.RawExtension{Raw: []byte(`{"spec":{"hostNetwork":true}}`)}}}
			})
		}, v1alpha1.ReasonSecurityFloor},
	} {
		t.Run(sentence, func(t *testing.T) {
			const limit = 30
			w, k, bot := loopingBot(t, limit)
			theirs := lookalike(bot.Name, 0)
			w.create(theirs)
			w.awaitStart(k, "mybot-bot-0", newImage, 2)
			tc.breaks(w, bot)
			w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, tc.reason)
			w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionUnknown, tc.reason)
			w.eventually(func() string {
				if replicas := *w.deployment("mybot-bot-0").Spec.Replicas; replicas != 0 {
					return "the loop goes on"
				}
				return ""
			})
			if *w.deployment("mybot-bot-1").Spec.Replicas != 1 {
				t.Error("a cluster that works was stopped")
			}
			if *w.deployment(theirs.Name).Spec.Replicas != 1 {
				t.Error("a Deployment of somebody else was stopped")
			}
			if note := w.event(v1alpha1.ReasonCrashLoopProtected); !strings.Contains(note, "mybot-bot-0") {
				t.Errorf("the event says %q", note)
			}
			if sessions := identified(k); sessions > limit || sessions < limit/2 {
				t.Errorf("%d sessions were started, want as many as the line at nine tenths of %d lets", sessions, limit)
			}
			change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) {
				metav1.SetMetaDataAnnotation(&b.ObjectMeta, v1alpha1.AnnotationResetCrashLoop, "once")
			})
			w.eventually(func() string {
				if handled := get(w, "mybot", bot).Status.LastHandled; handled == nil || handled.ResetCrashLoop != "once" {
					return "the wish is followed at every look"
				}
				return ""
			})
			w.settle()
		})
	}
}

// lookalike is a Deployment of somebody else with all the labels of a bot's cluster.
func lookalike(bot string, index int) *appsv1.Deployment {
	theirs := foreignDeployment("theirs", "bot")
	theirs.Spec.Template.Labels = maps.Clone(theirs.Spec.Selector.MatchLabels)
	for _, labels := range []map[string]string{theirs.Labels, theirs.Spec.Template.Labels} {
		maps.Copy(labels, manifests.ManagedLabels())
		maps.Copy(labels, manifests.BotClusterSelector(bot, index))
	}
	return theirs
}

// What a cluster was says nothing of what its spec makes of it: a loop of the old one does
// not stop the new one, for which there are few starts left.
func TestANewSpecIsANewTry(t *testing.T) {
	w := newWorld(t)
	w.setClock(yesterday)
	bot := playedBot("mybot", 12, 6)
	bot.Spec.Discord.IdentifyLimit = ptr.To[int32](100)
	k := w.bring(bot)
	slowly := loops
	slowly.backOff = 1500 * time.Millisecond // so that some starts are left
	k.tamed(42, func(string, string) behaviour { return slowly })
	w.eventually(func() string {
		for i := range 6 {
			if name := fmt.Sprintf("mybot-bot-%d", i); *w.deployment(name).Spec.Replicas != 0 {
				return name + " goes on"
			}
		}
		return ""
	})
	k.behave(func(string, string) behaviour { return behaviour{} })
	w.setImage(bot, newImage)
	w.waitCondition(bot, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonBudgetLow) // of the last ones
	w.rounds(3)
	for i, cluster := range get(w, "mybot", bot).Status.ClusterStatuses {
		if i == 0 && !cluster.Ready || cluster.Reason == v1alpha1.ReasonCrashLoopProtected {
			t.Errorf("%+v", cluster)
		}
	}
}

// While old pods still run shards of the new layout, nothing of it starts, not even as
// what a person might have deleted from a bot whose rollouts rest.
func TestARestingRolloutStartsNothingBesideTheOldLayout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := ungatedBot("mybot", 6, 2)
	k := w.bring(bot)
	k.behave(func(string, string) behaviour { return behaviour{stopsAfter: time.Hour} })
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Sharding = v1alpha1.Sharding{Total: 6, Clusters: ptr.To[int32](3)} })
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonResharding)
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Suspend = ptr.To(v1alpha1.SuspendRollouts) })
	w.quietly()
	k.behave(func(string, string) behaviour { return behaviour{} })
	w.eventually(func() string { // the player sees to it that no shard runs twice
		if starts := len(k.history()); starts != 2+3 {
			return fmt.Sprintf("%d starts, want those of both layouts", starts)
		}
		return ""
	})
}
