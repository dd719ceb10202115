//go:build scale

package scale

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

var profiles = flag.String("profiles", "", "a directory, in which each run of the operator leaves where its time and memory went")

const (
	// restartTarget is how soon an operator that was started again has to know everything.
	restartTarget = 30 * time.Second
	// longest that a run may take until all is ready, and settling until nothing moves.
	longest  = 30 * time.Minute
	settling = 5 * time.Minute
)

// play is a stage with an operator, a control plane and those who beat to it.
type play struct {
	*stage
	operator *operator
	crowd    *crowd
	eye      *eye
	plane    plane
	bots     [][]client.Object
}

// open has the operator run a control plane, and no bot yet.
func (s *stage) open() *play {
	s.Helper()
	p := &play{stage: s, plane: s.newPlane()}
	p.crowd = s.newCrowd(p.plane)
	p.eye = s.watch(p.crowd)
	p.operator = s.startOperator(p.plane.url)
	s.provide()
	s.must(s.api.Create(s.ctx, tokenSecret()))
	fleet := newFleet()
	s.must(s.api.Create(s.ctx, fleet))
	s.eventually(time.Minute, func() string {
		if p.operator.hasEnded() {
			s.Fatal("the operator has ended")
		}
		if problem := s.missing(fleetName, fleet); problem != "" {
			return problem
		}
		if !meta.IsStatusConditionTrue(fleet.Status.Conditions, v1alpha1.ConditionReady) {
			return fmt.Sprintf("the fleet is %+v", fleet.Status.Conditions)
		}
		return ""
	})
	return p
}

// enter creates bots, and returns how long it takes until all of them are Ready.
func (p *play) enter(count int, gate v1alpha1.RolloutGate) time.Duration {
	p.Helper()
	p.bots = newBots(count, gate)
	begun := time.Now()
	p.create(p.bots)
	p.eye.all(longest, count, ready)
	return time.Since(begun)
}

// settle waits until every status is whole, and the operator has nothing more to write.
func (p *play) settle() {
	p.Helper()
	p.eye.all(settling, len(p.bots), func(bot *v1alpha1.ArgusBot) string { return complete(bot, clusters*guilds) })
	p.eventually(settling, func() string {
		since := time.Now()
		time.Sleep(3 * time.Second)
		return writes(p.written(since))
	})
}

// writes puts into words what was written.
func writes(found map[string]int) string {
	var words []string
	for _, what := range slices.Sorted(maps.Keys(found)) {
		words = append(words, fmt.Sprintf("%d x %s", found[what], what))
	}
	return strings.Join(words, ", ")
}

// told lists the events since some time: why something was written.
func (p *play) told(since time.Time) string {
	p.Helper()
	var list eventsv1.EventList
	p.must(p.api.List(p.ctx, &list, client.InNamespace(namespace)))
	var lines []string
	for i := range list.Items {
		if event := &list.Items[i]; event.EventTime.After(since) && event.Regarding.APIVersion == v1alpha1.GroupVersion.String() {
			lines = append(lines, event.Regarding.Name+": "+event.Note)
		}
	}
	return strings.Join(lines, "\n")
}

// interval ends the operator, lets something happen, and starts it again.
func (p *play) interval(happens func()) {
	p.Helper()
	p.operator.stop()
	happens()
	p.operator = p.startOperator(p.plane.url)
}

// restartQuietly restarts the operator while nothing else happens. It returns how long
// it takes until the operator has looked at every bot, and what it has written.
func (p *play) restartQuietly() (time.Duration, map[string]int) {
	p.Helper()
	p.interval(func() {})
	p.eventually(settling, func() string { return p.operator.lookedAt(p.ctx, len(p.bots)) })
	took := time.Since(p.operator.since)
	// It has asked the control plane by now, and asks again.
	time.Sleep(20 * time.Second)
	return took, p.written(p.operator.since)
}

// restartOverChange restarts the operator while some bots grow, and returns how long it
// takes until all statuses are true again.
func (p *play) restartOverChange() time.Duration {
	p.Helper()
	grown := map[string]bool{}
	p.interval(func() {
		for i := 0; i < len(p.bots); i += 10 {
			grown[botName(i)] = true
		}
		p.crowd.grow(slices.Collect(maps.Keys(grown))...)
		time.Sleep(20 * time.Second) // until all have beaten
	})
	p.eye.all(settling, len(p.bots), func(bot *v1alpha1.ArgusBot) string {
		if grown[bot.Name] {
			return complete(bot, 2*clusters*guilds)
		}
		return complete(bot, clusters*guilds)
	})
	return time.Since(p.operator.since)
}
