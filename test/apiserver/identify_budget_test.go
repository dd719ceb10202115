//go:build apiserver

package apiserver

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// A rollout stops at the reserve, says when it goes on, and does.
func TestARolloutWaitsAtTheReserve(t *testing.T) {
	w := newWorld(t)
	w.setClock(yesterday)
	bot := playedBot("mybot", 4, 2)
	bot.Spec.Discord.IdentifyLimit = ptr.To[int32](10)
	k := w.bring(bot)
	w.setImage(bot, newImage)
	w.complete(bot)
	w.spent(bot, 8)

	const third = "example.com/bot:v3"
	w.setImage(bot, third)
	w.waitCondition(bot, v1alpha1.ConditionIdentifyBudget, metav1.ConditionFalse, v1alpha1.ReasonBudgetLow)
	w.waitCondition(bot, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonBudgetLow)
	hour := operator.setup.clock.now().Truncate(time.Hour)
	free := get(w, "mybot", bot).Status.Identify.NextFree
	if free == nil || free.Before(ptr.To(metav1.NewTime(hour.Add(24*time.Hour)))) || free.After(hour.Add(25*time.Hour)) {
		t.Errorf("the next starts are free at %v, want a day after the hour %s", free, hour)
	}
	w.unchanged(k, third)

	w.setClock(0)
	w.complete(bot)
	if got := len(startsOf(k, third)); got != 2 {
		t.Errorf("%d clusters started the third image, want 2", got)
	}
	w.waitCondition(bot, v1alpha1.ConditionIdentifyBudget, metav1.ConditionTrue, v1alpha1.ReasonWithinBudget)
	if free := get(w, "mybot", bot).Status.Identify.NextFree; free != nil {
		t.Errorf("nothing waits, and the status says until %s", free)
	}
}

// A crash loop is stopped before the token is spent, stays stopped, and starts again
// when a person says so.
func TestACrashLoopIsStoppedBeforeTheLimit(t *testing.T) {
	for sentence, release := range map[string]func(w *world, bot *v1alpha1.ArgusBot){
		"a new spec releases it": func(w *world, bot *v1alpha1.ArgusBot) { w.setImage(bot, "example.com/bot:v3") },
		"protection that is switched off releases it": func(w *world, bot *v1alpha1.ArgusBot) {
			change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) { b.Spec.Discord.CrashLoopProtection = ptr.To(v1alpha1.Disabled) })
		},
		"the annotation releases it": func(w *world, bot *v1alpha1.ArgusBot) {
			change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) {
				metav1.SetMetaDataAnnotation(&b.ObjectMeta, v1alpha1.AnnotationResetCrashLoop, "once")
			})
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			const limit = 30
			w, k, bot := loopingBot(t, limit)
			stalled := w.waitCondition(bot, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCrashLoopProtected)
			if !strings.Contains(stalled.Message, "mybot-0") || strings.Contains(stalled.Message, "mybot-1") {
				t.Errorf("message %q should name mybot-0 alone", stalled.Message)
			}
			w.waitCondition(bot, v1alpha1.ConditionIdentifyBudget, metav1.ConditionFalse, v1alpha1.ReasonCrashLoopProtected)
			w.eventually(func() string {
				if pods := w.podsOf("mybot-bot-0"); len(pods) > 0 {
					return "a pod of the stopped cluster stands"
				}
				return ""
			})
			sessions := identified(k)
			if sessions > limit || sessions < limit/2 {
				t.Errorf("%d sessions were started, want as many as the line at nine tenths of %d lets", sessions, limit)
			}
			w.restart(nil)
			w.rounds(3)
			if again := identified(k); again != sessions {
				t.Errorf("the stopped cluster started %d sessions", again-sessions)
			}
			if reason := get(w, "mybot", bot).Status.ClusterStatuses[0].Reason; reason != v1alpha1.ReasonCrashLoopProtected {
				t.Errorf("the cluster's reason is %q", reason)
			}

			w.setClock(0) // or the release would wait for the budget
			k.behave(func(string, string) behaviour { return behaviour{} })
			release(w, bot)
			w.complete(bot)
			w.quietly()
		})
	}
}

func TestProtectionCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := ungatedBot("mybot", 2, 1)
	bot.Spec.Discord.IdentifyLimit, bot.Spec.Discord.CrashLoopProtection = ptr.To[int32](12), ptr.To(v1alpha1.Disabled)
	k := w.bring(bot)
	k.behave(newOnes(behaviour{crashesAfter: 50 * time.Millisecond, backOff: 100 * time.Millisecond, neverReady: true}))
	w.setImage(bot, newImage)
	w.awaitStart(k, "mybot-bot-0", newImage, 12)
	if replicas := w.deployment("mybot-bot-0").Spec.Replicas; *replicas != 1 {
		t.Error("the cluster was stopped although protection is off")
	}
}

func TestAClusterThatNoDayCanStartIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.bring()
	bot := ungatedBot("mybot", 8, 2)
	bot.Spec.Discord.IdentifyLimit = ptr.To[int32](3)
	w.create(bot)
	stalled := w.waitCondition(bot, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonBudgetImpossible)
	for _, word := range []string{"mybot-0", "4 shards", "3 sessions a day"} {
		if !strings.Contains(stalled.Message, word) {
			t.Errorf("message %q does not say %q", stalled.Message, word)
		}
	}
	if len(k.history()) > 0 || w.exists("mybot-bot-0", &appsv1.Deployment{}) == "" {
		t.Error("it was started")
	}
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Discord.IdentifyLimit = ptr.To[int32](100) })
	w.complete(bot)
}
