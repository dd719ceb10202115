//go:build apiserver

package apiserver

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// sayings has every pod of the new image behave so.
func newOnes(b behaviour) func(string, string) behaviour {
	return func(_, image string) behaviour {
		if image == newImage {
			return b
		}
		return behaviour{}
	}
}

// What the control plane knows of the old process, or of half of the new one, holds
// the next cluster back, until the new one has really come to work.
func TestTheGateHoldsUntilTheNewProcessWorks(t *testing.T) {
	t.Parallel()
	for sentence, tc := range map[string]struct {
		says  saying
		words string
	}{
		"the values are the old process's":     {nothing, "mybot-0 (the new process has not registered)"},
		"a shard is missing":                   {allButOne, "mybot-0 (not every shard is up)"},
		"it has registered and sent no values": {noValues, "mybot-0 (it has sent no values since it started)"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bot := playedBot("mybot", 4, 2)
			k := w.bring(bot)
			w.beatSlowly()
			// A process that starts within clocks' tolerance of the last registration is not told from its forerunner by that alone.
			k.registeredEarlier(time.Minute)
			k.behave(newOnes(behaviour{says: tc.says}))
			w.setImage(bot, newImage)
			w.awaitStart(k, "mybot-bot-0", newImage, 1)
			w.eventually(func() string {
				if message := w.condition(bot, v1alpha1.ConditionRolloutComplete).Message; !strings.Contains(message, tc.words) {
					return message
				}
				return ""
			})
			w.unchanged(k, newImage, "mybot-bot-0")
			progressing := w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
			if !strings.Contains(progressing.Message, "mybot-1") {
				t.Errorf("Ready says %q, and should name the cluster that is to be changed", progressing.Message)
			}
			k.behave(newOnes(behaviour{}))
			w.complete(bot)
		})
	}
}

// The new pod stands, and the operator, which is told of pods late, knows of the old one
// alone, whose values the control plane still has.
func TestAGateIsNotOpenedByAPodThatIsGone(t *testing.T) {
	pods := &heldWatch{resource: "pods"}
	w := newWorld(t)
	w.restart(func(setup *operatorSetup) { setup.pods = pods })
	bot := playedBot("mybot", 4, 2)
	k := w.bring(bot)
	k.behave(newOnes(behaviour{says: nothing}))
	first := func() v1alpha1.BotClusterStatus { return get(w, bot.Name, bot).Status.ClusterStatuses[0] }
	before := first()
	time.Sleep(time.Second) // pods and writes are dated to the second
	pods.mu.Lock()
	release := sync.OnceFunc(pods.mu.Unlock)
	w.Cleanup(release)
	w.setImage(bot, newImage)
	w.awaitStart(k, "mybot-bot-0", newImage, 1)
	w.eventually(func() string {
		if seen := first(); !seen.Ready || seen.Revision == before.Revision {
			return fmt.Sprintf("the operator knows of no new pod that is available: %+v", seen)
		}
		return ""
	})
	w.unchanged(k, newImage, "mybot-bot-0")
	release()
	k.behave(newOnes(behaviour{}))
	w.complete(bot)
}

// A change of the spec that is none to Kubernetes, which had the same by default, replaces
// no pod, and waits for none.
func TestAChangeThatReplacesNoPodCompletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 4, 2)
	k := w.bring(bot)
	before := get(w, bot.Name, bot).Status.CurrentRevision
	same := runtime.RawExtension{Raw: []byte(`{"spec":{"dnsPolicy":"ClusterFirst"}}`)}
	change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) { b.Spec.Pod = &v1alpha1.Pod{Patch: &v1alpha1.Fragment{RawExtension: same}} })
	w.eventually(func() string {
		if now := get(w, bot.Name, bot).Status.CurrentRevision; now == before {
			return "the current revision is still " + now
		}
		return ""
	})
	w.complete(bot)
	if starts := startsOf(k, oldImage); len(starts) != 2 {
		t.Errorf("%v started, want each cluster once", starts)
	}
}

func TestAMemberWithoutShardsPassesByItsHeartbeat(t *testing.T) {
	t.Parallel()
	for sentence, says := range map[string]saying{"it sends values": noShards, "it sends none": noValues} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bot := playedBot("mybot", 4, 2)
			k := w.bring(bot)
			k.behave(newOnes(behaviour{says: says}))
			w.setImage(bot, newImage)
			w.complete(bot)
		})
	}
}

// Bots do not depend on the control plane: while it cannot be asked, a ready pod has
// to do, and the condition says so.
func TestWithoutAControlPlaneAReadyPodHasToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 3, 3)
	k := w.bring(bot)
	operator.fleets.fail(w.namespace, errors.New("no usable answer"))
	k.behave(newOnes(behaviour{readyAfter: 1500 * time.Millisecond, says: nothing}))
	k.always(func(clusters []seen) string {
		if count(clusters, func(c seen) bool { return !c.runs }) > 1 {
			return "more than one cluster is down"
		}
		return ""
	})
	w.setImage(bot, newImage)
	fallback := w.waitCondition(bot, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonGateFallback)
	if !strings.Contains(fallback.Message, "a ready pod counts as working") {
		t.Errorf("message %q", fallback.Message)
	}
	w.complete(bot)
}

// A cluster that takes too long stops the change: it is named, the others stay as
// they are, and another spec starts with it.
func TestAFailedRolloutStopsAndANewSpecResumes(t *testing.T) {
	t.Parallel()
	for sentence, tc := range map[string]struct {
		behaves behaviour
		words   string
	}{
		"its pod is never ready": {behaviour{neverReady: true}, "cluster mybot-1"},
		"its container crashes": {
			behaviour{crashesAfter: 200 * time.Millisecond, backOff: 6 * time.Second, neverReady: true, says: nothing},
			"CrashLoopBackOff: container bot ended with exit code 1",
		},
		"a shard does not come up": {behaviour{says: allButOne}, "not every shard is up"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bot := playedBot("mybot", 3, 3)
			bot.Spec.Rollout.TimeoutSeconds = ptr.To[int32](20)
			k := w.bring(bot)
			w.beatSlowly()
			k.behave(func(cluster, image string) behaviour {
				if cluster == "mybot-bot-1" && image == newImage {
					return tc.behaves
				}
				return behaviour{}
			})
			w.setImage(bot, newImage)
			w.awaitStart(k, "mybot-bot-1", newImage, 1)
			failed := w.waitCondition(bot, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonRolloutFailed)
			if !strings.Contains(failed.Message, "cluster mybot-1 did not come to work in time") || !strings.Contains(failed.Message, tc.words) {
				t.Errorf("message %q", failed.Message)
			}
			w.waitCondition(bot, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRolloutFailed)
			w.unchanged(k, newImage, "mybot-bot-0", "mybot-bot-1")
			const third = "example.com/bot:v3"
			w.setImage(bot, third)
			w.complete(bot)
			if first := startsOf(k, third)[0]; first != "mybot-bot-1" && tc.behaves.says != allButOne {
				t.Errorf("%s started first, want the broken cluster", first)
			}
			if slowpoke := count(k.now(), func(c seen) bool { return c.image != third }); slowpoke > 0 {
				t.Errorf("%d clusters still run another image", slowpoke)
			}
		})
	}
}
