//go:build apiserver

package apiserver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const (
	oldImage = "example.com/bot:v1"
	newImage = "example.com/bot:v2"
)

// playedBot is a bot that the player runs: gated, with a control plane, and without
// the wait for a pod that stays ready.
func playedBot(name string, total, clusters int32) *v1alpha1.ArgusBot {
	bot := newBot(name, "main", total, clusters)
	bot.Spec.Rollout = &v1alpha1.Rollout{MinReadySeconds: ptr.To[int32](0)}
	return bot
}

// ungatedBot has no control plane.
func ungatedBot(name string, total, clusters int32) *v1alpha1.ArgusBot {
	bot := playedBot(name, total, clusters)
	bot.Spec.Fleet = nil
	return bot
}

// bring makes what the bots need, and the bots, and waits until they are there.
func (w *world) bring(bots ...*v1alpha1.ArgusBot) *kubelet {
	w.Helper()
	k := w.play()
	fleet := newFleet("main")
	w.create(discordSecret(), fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	for _, bot := range bots {
		w.create(bot)
	}
	for _, bot := range bots {
		w.complete(bot)
	}
	return k
}

// beatSlowly has members beat once a minute. One that has sent no values for two beats and
// a while is taken for one that sends none: none is to be that only because this machine
// was slow to have it send its first.
func (w *world) beatSlowly() {
	w.Helper()
	change(w, "main", newFleet("main"), func(f *v1alpha1.ArgusFleet) { f.Spec.HeartbeatIntervalSeconds = ptr.To[int32](60) })
}

// complete waits until every cluster of the bot is as its spec says, and works.
func (w *world) complete(bot *v1alpha1.ArgusBot) {
	w.Helper()
	w.waitCondition(bot, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, v1alpha1.ReasonComplete)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
}

// setImage changes the bot's image.
func (w *world) setImage(bot *v1alpha1.ArgusBot, image string) {
	w.Helper()
	change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) { b.Spec.Image = image })
}

// condition is what a bot says now, or an empty one.
func (w *world) condition(bot *v1alpha1.ArgusBot, kind string) metav1.Condition {
	w.Helper()
	found := ptr.Deref(meta.FindStatusCondition(get(w, bot.Name, bot).Status.Conditions, kind), metav1.Condition{})
	noteCondition(found)
	return found
}

// startsOf lists the clusters that started an image, in order.
func startsOf(k *kubelet, image string) []string {
	var names []string
	for _, start := range k.history() {
		if start.image == image {
			names = append(names, start.cluster)
		}
	}
	return names
}

// awaitStart waits until a cluster has started an image so many times.
func (w *world) awaitStart(k *kubelet, cluster, image string, times int) {
	w.Helper()
	w.eventually(func() string {
		got := 0
		for _, name := range startsOf(k, image) {
			if name == cluster {
				got++
			}
		}
		if got < times {
			return fmt.Sprintf("%s has started %s %d times, want %d", cluster, image, got, times)
		}
		return ""
	})
}

// unchanged fails if another cluster than those named starts an image while we watch.
func (w *world) unchanged(k *kubelet, image string, allowed ...string) {
	w.Helper()
	time.Sleep(1500 * time.Millisecond)
	for _, name := range startsOf(k, image) {
		if !slices.Contains(allowed, name) {
			w.Errorf("%s started %s, allowed were %s", name, image, strings.Join(allowed, ", "))
		}
	}
}

// podsOf lists the pods of a cluster, by the name of its Deployment.
func (w *world) podsOf(deployment string) []corev1.Pod {
	w.Helper()
	var pods corev1.PodList
	err := admin.List(w.ctx, &pods, client.InNamespace(w.namespace), client.MatchingLabels(w.deployment(deployment).Spec.Selector.MatchLabels))
	if err != nil {
		w.Fatal(err)
	}
	return pods.Items
}

// leaves tells whether a pod of the cluster is going away.
func (w *world) leaves(deployment string) bool {
	w.Helper()
	return slices.ContainsFunc(w.podsOf(deployment), func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

func (w *world) deployment(name string) *appsv1.Deployment {
	w.Helper()
	return get(w, name, &appsv1.Deployment{})
}

// works counts clusters of a law's view.
func count(clusters []seen, which func(seen) bool) int {
	n := 0
	for _, one := range clusters {
		if which(one) {
			n++
		}
	}
	return n
}
