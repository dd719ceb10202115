//go:build apiserver

package apiserver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// Discord forgets nothing when a pod, the operator or the ArgusBot goes, and neither
// does the ledger.
func TestTheLedgerOutlivesEverything(t *testing.T) {
	w := newWorld(t)
	bot := ungatedBot("mybot", 4, 2)
	k := w.bring(bot)
	w.spent(bot, 4)

	w.restart(nil)
	w.settle()
	w.spent(bot, 4)

	pod := w.podsOf("mybot-bot-0")[0]
	if err := admin.Delete(w.ctx, &pod); err != nil {
		t.Fatal(err)
	}
	w.awaitStart(k, "mybot-bot-0", oldImage, 2)
	w.spent(bot, 6)

	w.recreate(bot)
	w.complete(bot)
	w.spent(bot, 10)
	if display := get(w, "mybot", bot).Status.Display.Identifies; display != "10/1000" || identified(k) != 10 {
		t.Errorf("the status shows %s, and %d sessions were started", display, identified(k))
	}
}

// recreate deletes a bot, with what it owns, and makes it again.
func (w *world) recreate(bot *v1alpha1.ArgusBot) {
	w.Helper()
	w.deleteWhole(get(w, bot.Name, bot))
	again := &v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Name: bot.Name}, Spec: bot.Spec}
	w.create(again)
}

// What happens while nobody looks is debited when somebody looks again.
func TestACrashLoopWhileTheOperatorIsAwayIsDebited(t *testing.T) {
	w := newWorld(t)
	bot := ungatedBot("mybot", 4, 2)
	k := w.bring(bot)
	w.spent(bot, 4)
	w.whileStopped(func() {
		k.behave(func(cluster, _ string) behaviour {
			if cluster == "mybot-bot-1" {
				return behaviour{crashesAfter: 50 * time.Millisecond, backOff: 50 * time.Millisecond}
			}
			return behaviour{}
		})
		w.awaitStart(k, "mybot-bot-1", oldImage, 6)
		k.behave(func(string, string) behaviour { return behaviour{} })
		w.settled(k)
	})
	w.spent(bot, identified(k))

	w.whileStopped(func() {
		pod := w.podsOf("mybot-bot-1")[0]
		if err := admin.Delete(w.ctx, &pod); err != nil {
			t.Fatal(err)
		}
		k.behave(func(string, string) behaviour {
			return behaviour{crashesAfter: 50 * time.Millisecond, backOff: time.Hour}
		})
		w.settled(k)
	})
	w.eventually(func() string {
		if used := w.ledger(bot).Used(time.Now()); used < identified(k) {
			return fmt.Sprintf("the ledger holds %d of %d starts", used, identified(k))
		}
		return ""
	})
}

// A pod that nobody saw, and that fails again and again, may have done so for as long as
// nobody looked: it is debited at the highest rate, whichever bot of the token it is of.
func TestUnseenCrashLoopsOfEveryBotAreDebited(t *testing.T) {
	w := newWorld(t)
	first, second := ungatedBot("first", 2, 1), ungatedBot("second", 2, 1)
	k := w.bring(first, second)
	w.spent(first, 4)
	w.whileStopped(func() {
		k.behave(func(string, string) behaviour {
			return behaviour{crashesAfter: 50 * time.Millisecond, backOff: time.Hour}
		})
		for _, name := range []string{"first-bot-0", "second-bot-0"} {
			pod := w.podsOf(name)[0]
			if err := admin.Delete(w.ctx, &pod); err != nil {
				t.Fatal(err)
			}
			w.awaitStart(k, name, oldImage, 2)
		}
		w.turns(k, 5)
	})
	const quickRestarts = 6 // that a kubelet makes before its back-off is at its highest
	w.spent(first, 4+2*quickRestarts*2)
}

// settled waits until the processes start no more.
func (w *world) settled(k *kubelet) {
	w.Helper()
	w.eventually(func() string {
		before := len(k.history())
		w.turns(k, 12)
		if now := len(k.history()); now > before {
			return "containers still start"
		}
		return ""
	})
}

func TestBotsOfOneTokenShareItsLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := ungatedBot("first", 4, 2), ungatedBot("second", 3, 1)
	first.Spec.Discord.IdentifyLimit, second.Spec.Discord.IdentifyLimit = ptr.To[int32](100), ptr.To[int32](50)
	k := w.bring(first, second)
	w.spent(first, 7)
	if w.ledgerName(first) != w.ledgerName(second) || identified(k) != 7 {
		t.Errorf("%d sessions were started, by ledgers %s and %s", identified(k), w.ledgerName(first), w.ledgerName(second))
	}
	for _, bot := range []*v1alpha1.ArgusBot{first, second} {
		w.waitCondition(bot, v1alpha1.ConditionIdentifyBudget, metav1.ConditionTrue, v1alpha1.ReasonLimitsDiffer)
		w.eventually(func() string {
			if identify := get(w, bot.Name, bot).Status.Identify; identify.Limit != 50 {
				return fmt.Sprintf("%s counts against %d, want the smallest limit", bot.Name, identify.Limit)
			}
			return ""
		})
	}
	change(w, "first", first, func(b *v1alpha1.ArgusBot) { b.Spec.Discord.IdentifyLimit = ptr.To[int32](50) })
	for _, bot := range []*v1alpha1.ArgusBot{first, second} {
		w.waitCondition(bot, v1alpha1.ConditionIdentifyBudget, metav1.ConditionTrue, v1alpha1.ReasonWithinBudget)
	}
}

func TestWithoutALedgerNothingStarts(t *testing.T) {
	t.Parallel()
	for sentence, tc := range map[string]struct {
		config func(*corev1.ConfigMap)
		reason string
	}{
		"a foreign ConfigMap stands under its name": {
			func(c *corev1.ConfigMap) { c.Labels, c.Data = nil, map[string]string{"theirs": "x"} }, v1alpha1.ReasonNameConflict,
		},
		"it is damaged": {
			func(c *corev1.ConfigMap) { c.Data = map[string]string{manifests.IdentifyLedgerKey: `{"spent":{"48`} }, v1alpha1.ReasonInvalidLedger,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			k := w.bring()
			bot := ungatedBot("mybot", 2, 2)
			bot.Namespace = w.namespace
			config := manifests.IdentifyLedger(bot)
			tc.config(config)
			w.create(config, bot)
			stalled := w.waitCondition(bot, v1alpha1.ConditionStalled, metav1.ConditionTrue, tc.reason)
			if !strings.Contains(stalled.Message, config.Name) {
				t.Errorf("message %q does not name %s", stalled.Message, config.Name)
			}
			time.Sleep(time.Second)
			var deployments appsv1.DeploymentList
			if err := admin.List(w.ctx, &deployments, client.InNamespace(w.namespace), client.HasLabels{v1alpha1.LabelBot}); err != nil {
				t.Fatal(err)
			}
			if len(deployments.Items) > 0 || len(k.history()) > 0 {
				t.Error("a cluster was started that nobody accounts for")
			}
			if now := get(w, config.Name, &corev1.ConfigMap{}); now.ResourceVersion != config.ResourceVersion {
				t.Error("the ConfigMap was written")
			}
			if err := admin.Delete(w.ctx, config); err != nil {
				t.Fatal(err)
			}
			w.touch(bot)
			w.complete(bot)
		})
	}
}

// touch has a bot reconciled.
func (w *world) touch(bot *v1alpha1.ArgusBot) {
	w.Helper()
	change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) {
		metav1.SetMetaDataAnnotation(&b.ObjectMeta, "touched", time.Now().String())
	})
}
