//go:build apiserver

package apiserver

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// A new layout starts when nothing of the old one is left, cluster by cluster. The
// player fails the test if two processes ever run one shard, or two layouts meet.
func TestANewLayoutStartsInOrderWhenTheOldOneIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 1, 1)
	bot.Spec.Rollout.MaxUnavailable = ptr.To[int32](4)
	k := w.bring(bot)
	k.behave(func(cluster, _ string) behaviour {
		return behaviour{stopsAfter: time.Duration(len(cluster)) * 50 * time.Millisecond}
	})
	agree := w.columnsAgree(k, bot)
	for _, layout := range []v1alpha1.Sharding{
		{Total: 12, Clusters: ptr.To[int32](3)},
		{Total: 16, Clusters: ptr.To[int32](2)},
		{Total: 8, PerCluster: []int32{5, 2, 1}},
	} {
		before := len(k.history())
		change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Sharding = layout })
		w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonResharding)
		w.complete(bot)
		var order []string
		sessions := 0
		for _, start := range k.history()[before:] {
			order, sessions = append(order, start.cluster), sessions+start.shards
		}
		if !slices.IsSorted(order) || len(order) != int(max(ptr.Deref(layout.Clusters, 0), int32(len(layout.PerCluster)))) {
			t.Errorf("%+v: started %v, want each cluster once, in order", layout, order)
		}
		if sessions != int(layout.Total) {
			t.Errorf("%+v: %d shards were started", layout, sessions)
		}
	}
	agree()
	w.spent(bot, 1+12+16+8)
	if display := get(w, "mybot", bot).Status.Display; display.Clusters != "3/3" || display.Shards != "8/8" {
		t.Errorf("the columns show %+v", display)
	}
}

func TestAHibernatingBotSleepsAndWakesInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 6, 3)
	k := w.bring(bot)
	agree := w.columnsAgree(k, bot)
	numbers := numbersOf(get(w, "mybot", bot))
	k.behave(func(string, string) behaviour { return behaviour{stopsAfter: time.Second} })
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Hibernate = ptr.To(true) })
	w.eventually(func() string {
		get(w, "mybot", bot)
		asleep := bot.Status.ObservedGeneration == bot.Generation && bot.Status.Conditions != nil &&
			w.condition(bot, v1alpha1.ConditionReady).Reason == v1alpha1.ReasonHibernated
		stands := count(k.now(), func(c seen) bool { return c.pods > 0 })
		if asleep && stands > 0 {
			t.Fatalf("hibernated is said while pods of %d clusters stand", stands)
		}
		if !asleep {
			return fmt.Sprintf("pods of %d clusters stand", stands)
		}
		return ""
	})
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonHibernated)
	w.waitCondition(bot, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, v1alpha1.ReasonHibernated)
	w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionUnknown, v1alpha1.ReasonHibernated)
	if display := get(w, "mybot", bot).Status.Display.Clusters; display != "0/3" {
		t.Errorf("the column shows %s of a sleeping bot", display)
	}

	before := len(k.history())
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Hibernate = nil })
	w.complete(bot)
	var order []string
	for _, start := range k.history()[before:] {
		order = append(order, start.cluster)
	}
	if diff := cmp.Diff([]string{"mybot-bot-0", "mybot-bot-1", "mybot-bot-2"}, order); diff != "" {
		t.Errorf("order of waking: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(numbers, numbersOf(get(w, "mybot", bot))); diff != "" {
		t.Errorf("numbers: -want +got\n%s", diff)
	}
	w.spent(bot, 12)
	agree()
}

func numbersOf(bot *v1alpha1.ArgusBot) map[string]int32 {
	numbers := map[string]int32{}
	for _, cluster := range bot.Status.ClusterStatuses {
		numbers[cluster.ID] = cluster.Number
	}
	return numbers
}

// The printer columns tell what really runs, at every moment of a rollout.
func TestTheColumnsTellWhatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := playedBot("mybot", 8, 4)
	bot.Spec.Rollout.MaxUnavailable = ptr.To[int32](2)
	k := w.bring(bot)
	agree := w.columnsAgree(k, bot)
	k.behave(func(cluster, _ string) behaviour {
		return behaviour{
			stopsAfter: 400 * time.Millisecond, startsAfter: 200 * time.Millisecond, readyAfter: 300 * time.Millisecond,
			valuesAfter: time.Duration(len(strings.TrimSuffix(cluster, "-3"))) * 50 * time.Millisecond,
		}
	})
	w.setImage(bot, newImage)
	w.complete(bot)
	agree()
	status := get(w, "mybot", bot).Status
	if status.Display.Clusters != "4/4" || status.Display.Shards != "8/8" || status.Clusters.Up != 4 || status.Display.Identifies != "16/1000" {
		t.Errorf("the columns show %+v of %+v", status.Display, status.Clusters)
	}
}
