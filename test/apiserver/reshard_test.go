//go:build apiserver

package apiserver

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

func sixteenInTwo(b *v1alpha1.ArgusBot) {
	b.Spec.Sharding = v1alpha1.Sharding{Total: 16, Clusters: ptr.To[int32](2)}
}

// The old layout runs on while the new one cannot start: nothing is stopped that could
// not be replaced.

func TestNothingIsStoppedWhileTheTokenHasTooFewStarts(t *testing.T) {
	w := newWorld(t)
	w.setClock(yesterday)
	bot := playedBot("mybot", 4, 2)
	bot.Spec.Discord.IdentifyLimit = ptr.To[int32](20)
	k := w.bring(bot)
	before := len(k.history())
	change(w, "mybot", bot, sixteenInTwo)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBudgetLow)
	w.waitCondition(bot, v1alpha1.ConditionIdentifyBudget, metav1.ConditionFalse, v1alpha1.ReasonBudgetLow)
	if free := get(w, "mybot", bot).Status.Identify.NextFree; free == nil {
		t.Error("the status does not say when it goes on")
	}
	w.rounds(2)
	w.stillRuns(k, before)
	w.quietly()
	w.setClock(0)
	w.complete(bot)
	w.spent(bot, 16)
}

func TestNothingIsStoppedForALayoutThatNoDayCanStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 4, 2)
	bot.Spec.Discord.IdentifyLimit = ptr.To[int32](10)
	k := w.bring(bot)
	change(w, "mybot", bot, sixteenInTwo)
	stalled := w.waitCondition(bot, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonBudgetImpossible)
	if !strings.Contains(stalled.Message, "16 shards") || !strings.Contains(stalled.Message, "10 sessions a day") {
		t.Errorf("message %q", stalled.Message)
	}
	w.stillRuns(k, 2)
}

func TestNothingIsStoppedWhileASecretIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 4, 2)
	k := w.bring(bot)
	secret := discordSecret()
	secret.Namespace = w.namespace
	if err := admin.Delete(w.ctx, secret); err != nil {
		t.Fatal(err)
	}
	change(w, "mybot", bot, sixteenInTwo)
	w.waitCondition(bot, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
	w.rounds(2)
	w.stillRuns(k, 2)
	w.create(discordSecret())
	w.complete(bot)
}

// stillRuns fails if a cluster of the bot was stopped, or started again.
func (w *world) stillRuns(k *kubelet, starts int) {
	w.Helper()
	for _, name := range []string{"mybot-bot-0", "mybot-bot-1"} {
		if len(w.podsOf(name)) != 1 || w.leaves(name) {
			w.Errorf("%s of the old layout was stopped", name)
		}
	}
	if got := len(k.history()); got != starts {
		w.Errorf("%d containers have started, want %d", got, starts)
	}
}

// What a smaller layout no longer has is retired once it is down, and nothing else is.
func TestTheClustersOfAnOldLayoutAreRetired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 6, 3)
	k := w.bring(bot)
	plane := &retiringPlane{refuse: true}
	planes.put(w, "main", plane)
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Sharding = v1alpha1.Sharding{Total: 6, Clusters: ptr.To[int32](1)} })
	w.complete(bot)
	w.rounds(2)
	if got := plane.gone(); len(got) > 0 {
		t.Fatalf("%v were retired while they count as up", got)
	}
	k.silence("mybot-1")
	plane.set(false)
	w.eventually(func() string {
		if got := plane.gone(); len(got) == 0 || got[0] != "mybot-1" {
			return "retired are " + strings.Join(got, ", ")
		}
		return ""
	})
	for _, identity := range plane.gone() {
		if identity != "mybot-1" {
			t.Errorf("%s was retired", identity)
		}
	}
	if note := w.event(v1alpha1.ReasonRetired); !strings.Contains(note, "mybot-1") {
		t.Errorf("the event says %q", note)
	}
}

// silence makes a member whose process is gone count as down at once.
func (k *kubelet) silence(identity string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.members[identity].beat = time.Now().Add(-2 * memberTTL)
}

// Monitors of a bot appear and disappear with the spec; a cluster without the kinds is
// told of.
func TestABotsMonitorsComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.uninstall(monitorCRDs()...)
	bot := ungatedBot("mybot", 1, 1)
	bot.Spec.PodMonitor, bot.Spec.PrometheusRule = &v1alpha1.MonitorObject{}, &v1alpha1.MonitorObject{}
	w.bring(bot)
	const absent = "; spec.podMonitor waits for the kind PodMonitor of the Prometheus Operator, which the cluster does not have"
	w.eventually(func() string {
		if ready := w.condition(bot, v1alpha1.ConditionReady); !strings.Contains(ready.Message, absent) {
			return "Ready says " + ready.Message
		}
		return ""
	})
	install(t, monitorCRDs()...)
	monitors := []client.Object{untyped(manifests.GVKPodMonitor()), untyped(manifests.GVKPrometheusRule())}
	for _, object := range monitors {
		w.eventually(func() string { return w.exists("mybot-bot", object) })
	}
	w.waitMessage(bot, v1alpha1.ConditionReady, "every cluster runs as the spec says")
	w.quietly()
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.PodMonitor, b.Spec.PrometheusRule = nil, nil })
	for _, object := range monitors {
		w.waitGone("mybot-bot", object)
	}
}
