//go:build apiserver

package apiserver

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// What the status may lag behind, or be ahead of, what runs: in time, and in turns of
// the player, which are long where the machine is slow.
const (
	// lagOfPods is how late it may tell of a pod, and lagOfMembers of what the control
	// plane is asked for.
	lagOfPods    = 2 * time.Second
	lagOfMembers = 4 * time.Second
	lagTurns     = 25
	// lagLooks is how late it may tell in looks of the operator, which are few when it is
	// given little of the processor.
	lagLooks = 2
	// ahead is how soon what the operator has written comes true: a cluster counts as
	// down as soon as its Deployment is changed.
	ahead      = time.Second
	aheadTurns = 5
)

// truth is what really ran from a moment on.
type truth struct {
	since time.Time
	// ready clusters, and shards up by identity's number of the cluster.
	ready  int
	shards map[string]int
	// looks that the operator has begun until then, by object.
	looks map[string]int
}

// record notes what runs now, if it is another thing than before. The caller holds the lock.
func (k *kubelet) record() {
	now := truth{since: time.Now(), shards: map[string]int{}, looks: k.fleets.asks(k.w.namespace)}
	for _, available := range k.available {
		if available {
			now.ready++
		}
	}
	for identity, m := range k.members {
		now.shards[identity] = m.up
	}
	k.truths = append(k.truths, now)
}

// around tells whether a number lies within what it was about then: clusters do not
// all change, and are not all looked at, in the same moment.
func (k *kubelet) around(one sample, lag time.Duration, shown int, number func(truth) int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	turns := func(at time.Time) int { // until then
		return sort.Search(len(k.truths), func(i int) bool { return k.truths[i].since.After(at) })
	}
	then := one.at
	looks := func(t truth) int { return t.looks[v1alpha1.KindArgusBot+" "+one.bot.Name] }
	begun := looks(k.truths[max(turns(then)-1, 0)])
	looked := sort.Search(len(k.truths), func(i int) bool { return looks(k.truths[i]) >= begun-lagLooks })
	from := min(turns(then.Add(-lag))-1, turns(then)-lagTurns, looked)
	to := max(turns(then.Add(ahead)), turns(then)+aheadTurns)
	least, most := math.MaxInt, math.MinInt
	for _, t := range k.truths[max(from, 0):min(to, len(k.truths))] {
		n := number(t)
		least, most = min(least, n), max(most, n)
	}
	return least <= shown && shown <= most
}

// sample is a bot as it was seen.
type sample struct {
	at  time.Time
	bot *v1alpha1.ArgusBot
}

// columnsAgree compares what the status shows with what runs, at each change of the bot
// and in between, until the function that it returns is called.
func (w *world) columnsAgree(k *kubelet, bot *v1alpha1.ArgusBot) (stop func()) {
	w.Helper()
	watching, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		w.Fatal(err)
	}
	from := &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: get(w, bot.Name, bot).ResourceVersion}}
	updates, err := watching.Watch(w.ctx, &v1alpha1.ArgusBotList{}, client.InNamespace(w.namespace), from)
	if err != nil {
		w.Fatal(err)
	}
	name, quit, done := bot.Name, make(chan struct{}), make(chan []sample)
	go func() { done <- sampled(updates, name, quit) }()
	return func() {
		w.Helper()
		updates.Stop()
		close(quit)
		samples := <-done
		w.turns(k, aheadTurns)
		var wrong []string
		for _, one := range samples {
			wrong = append(wrong, k.disagreement(one)...)
		}
		if len(wrong) > 0 {
			w.Errorf("%d times the columns told something else than what ran:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 5)], "\n"))
		}
	}
}

// turns waits until the player has looked around so many times more.
func (w *world) turns(k *kubelet, n int) {
	w.Helper()
	taken := func() int {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.truths)
	}
	before := taken()
	w.eventually(func() string {
		if taken() < before+n {
			return "the player is stuck"
		}
		return ""
	})
}

// sampled collects every state of a bot, and again while it stays the same.
func sampled(updates watch.Interface, name string, quit <-chan struct{}) []sample {
	var samples []sample
	for {
		select {
		case <-quit:
			return samples
		case update := <-updates.ResultChan():
			if bot, ok := update.Object.(*v1alpha1.ArgusBot); ok && bot.Name == name {
				samples = append(samples, sample{time.Now(), bot})
			}
		case <-time.After(200 * time.Millisecond):
			if n := len(samples); n > 0 {
				samples = append(samples, sample{time.Now(), samples[n-1].bot})
			}
		}
	}
}

// disagreement lists what a status shows that was not so lately.
func (k *kubelet) disagreement(one sample) []string {
	status := one.bot.Status
	if status.Clusters == nil || status.Display == nil || status.Shards == nil {
		return nil // before the first look
	}
	var wrong []string
	if !k.around(one, lagOfPods, int(status.Clusters.Ready), func(t truth) int { return t.ready }) {
		wrong = append(wrong, fmt.Sprintf("%d clusters are shown ready", status.Clusters.Ready))
	}
	up := func(t truth) int {
		n := 0
		for _, cluster := range status.ClusterStatuses {
			n += t.shards[cluster.ID]
		}
		return n
	}
	if !k.around(one, lagOfMembers, int(status.Shards.Up), up) {
		wrong = append(wrong, fmt.Sprintf("%d shards are shown up", status.Shards.Up))
	}
	want := v1alpha1.BotDisplay{
		Clusters: fmt.Sprintf("%d/%d", status.Clusters.Ready, status.Clusters.Desired),
		Shards:   fmt.Sprintf("%d/%d", status.Shards.Up, status.Shards.Desired), Identifies: status.Display.Identifies,
	}
	if *status.Display != want {
		wrong = append(wrong, fmt.Sprintf("the columns show %+v, the numbers say %+v", *status.Display, want))
	}
	return wrong
}
