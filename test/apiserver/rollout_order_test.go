//go:build apiserver

package apiserver

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func TestACanaryGoesFirstAndThenAsManyAsMayBeDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 10, 5)
	bot.Spec.Rollout.MaxUnavailable = ptr.To[int32](2)
	k := w.bring(bot)
	k.behave(func(string, string) behaviour {
		return behaviour{stopsAfter: 200 * time.Millisecond, valuesAfter: 600 * time.Millisecond}
	})
	var together atomic.Bool
	k.always(func(clusters []seen) string {
		changed := count(clusters, func(c seen) bool { return c.image != oldImage })
		done := count(clusters, func(c seen) bool { return c.image == newImage && c.works })
		down := count(clusters, func(c seen) bool { return !c.works })
		together.Store(together.Load() || down == 2)
		switch {
		case done == 0 && changed > 1:
			return "two clusters were changed before the canary was done"
		case down > 2:
			return "more than two clusters are down"
		}
		return ""
	})
	w.setImage(bot, newImage)
	w.complete(bot)
	starts := startsOf(k, newImage)
	if len(starts) != 5 || starts[0] != "mybot-bot-0" {
		t.Errorf("the new image started as %v, want five clusters, cluster 0 first", starts)
	}
	if !together.Load() {
		t.Error("never were two clusters changed together")
	}
	status := get(w, "mybot", bot).Status
	if status.CurrentRevision != status.UpdateRevision || status.Clusters.Updated != 5 {
		t.Errorf("revision %s of %s, %d clusters updated", status.CurrentRevision, status.UpdateRevision, status.Clusters.Updated)
	}
}

func TestBrokenClustersGoFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := ungatedBot("mybot", 4, 4)
	k := w.bring(bot)
	var broken atomic.Bool
	broken.Store(true)
	k.behave(func(cluster, image string) behaviour {
		return behaviour{neverReady: broken.Load() && image == oldImage && (cluster == "mybot-bot-3" || cluster == "mybot-bot-2")}
	})
	w.eventually(func() string {
		if ready := get(w, "mybot", bot).Status.Clusters.Ready; ready != 2 {
			return "the broken clusters are still ready"
		}
		return ""
	})
	w.setImage(bot, newImage)
	w.complete(bot)
	want := []string{"mybot-bot-2", "mybot-bot-3", "mybot-bot-0", "mybot-bot-1"}
	if diff := cmp.Diff(want, startsOf(k, newImage)); diff != "" {
		t.Errorf("order of starts: -want +got\n%s", diff)
	}
}

// A second edit overtakes the first: what it has not changed yet never gets it. And
// when the spec goes back while the old pod still leaves, Kubernetes would start it
// again beside itself if the operator let it.
func TestASecondEditDuringARollout(t *testing.T) {
	t.Parallel()
	for sentence, next := range map[string]string{
		"another image":          "example.com/bot:v3",
		"back to what it was":    oldImage,
		"the same with an error": "example.com/bot:broken",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bot := ungatedBot("mybot", 3, 3)
			k := w.bring(bot)
			stopIn := func(after time.Duration) {
				k.behave(func(_, image string) behaviour {
					return behaviour{stopsAfter: after, neverReady: strings.HasSuffix(image, "broken")}
				})
			}
			stopIn(time.Hour)
			w.setImage(bot, newImage)
			w.eventually(func() string {
				if !w.leaves("mybot-bot-0") {
					return "the canary's old pod does not leave yet"
				}
				return ""
			})
			w.setImage(bot, next)
			w.eventually(w.unseen)
			w.turns(k, 10) // in which the player would start what the operator should not let it
			stopIn(0)
			if strings.HasSuffix(next, "broken") {
				w.awaitStart(k, "mybot-bot-0", next, 1)
				w.setImage(bot, oldImage)
			}
			w.complete(bot)
			if starts := startsOf(k, newImage); slices.Contains(starts, "mybot-bot-1") || slices.Contains(starts, "mybot-bot-2") {
				t.Errorf("%v started an image that the spec no longer asked for", starts)
			}
		})
	}
}

func TestKubectlRolloutRestartIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := ungatedBot("mybot", 2, 2)
	k := w.bring(bot)
	const restartedAt = "kubectl.kubernetes.io/restartedAt"
	change(w, "mybot-bot-1", &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Spec.Template.Annotations[restartedAt] = "today" })
	w.awaitStart(k, "mybot-bot-1", oldImage, 2)
	w.complete(bot)
	w.settle()
	if got := w.deployment("mybot-bot-1").Spec.Template.Annotations[restartedAt]; got != "today" {
		t.Errorf("the annotation became %q", got)
	}
	if starts := startsOf(k, oldImage); len(starts) != 3 {
		t.Errorf("%v started, want each once and cluster 1 again", starts)
	}
}

func TestRestartedAtRestartsEveryClusterOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 3, 3)
	k := w.bring(bot)
	k.always(func(clusters []seen) string {
		if count(clusters, func(c seen) bool { return !c.works }) > 1 {
			return "more than one cluster is down"
		}
		return ""
	})
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Rollout.RestartedAt = &at })
	w.awaitStart(k, "mybot-bot-2", oldImage, 2)
	w.complete(bot)
	names := []string{"mybot-bot-0", "mybot-bot-1", "mybot-bot-2"}
	if diff := cmp.Diff(slices.Concat(names, names), startsOf(k, oldImage)); diff != "" {
		t.Errorf("starts: -want +got\n%s", diff)
	}
	if got := w.deployment("mybot-bot-2").Spec.Template.Annotations["argus.dev/restarted-at"]; got != "2026-01-02T03:04:05Z" {
		t.Errorf("the pods say %q", got)
	}
}
