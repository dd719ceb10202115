//go:build apiserver

package apiserver

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Whatever the operator has just written, or written without hearing of it, when it
// dies: the next one goes on from there, starts no process twice, and pays once.
func TestAnOperatorThatDiesAtAnyStepResumes(t *testing.T) {
	for sentence, tc := range map[string]struct {
		writes int
		lost   bool
	}{
		"it dies after each write":                     {writes: 1},
		"it dies before it hears that a write is made": {writes: 0, lost: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := newWorld(t)
			bot := playedBot("mybot", 4, 2)
			k := w.bring(bot)
			k.behave(func(string, string) behaviour { return behaviour{stopsAfter: 300 * time.Millisecond} })
			k.always(func(clusters []seen) string {
				if count(clusters, func(c seen) bool { return !c.works }) > 1 {
					return "more than one cluster is down"
				}
				return ""
			})
			w.whileStopped(func() { w.setImage(bot, newImage) })
			w.Cleanup(func() { operator.setup.life = nil; w.restart(nil) })
			lives := 0
			for ; !w.isComplete(bot); lives++ {
				if lives == 50 {
					t.Fatal("the operator comes no further, however often it lives")
				}
				operator.setup.life = &lifetime{namespace: w.namespace, writes: tc.writes, lost: tc.lost}
				w.restart(nil)
				w.eventually(func() string {
					if !operator.setup.life.ended() && !w.isComplete(bot) {
						return "the operator neither writes nor is done"
					}
					return ""
				})
			}
			if diff := cmp.Diff([]string{"mybot-bot-0", "mybot-bot-1"}, startsOf(k, newImage)); diff != "" {
				t.Errorf("starts: -want +got\n%s", diff)
			}
			if lives < 6 {
				t.Errorf("the operator lived %d times only: this proves little", lives)
			}
			w.spent(bot, 8)
		})
	}
}

// isComplete tells whether the newest spec has been rolled out, as the status has it.
func (w *world) isComplete(bot *v1alpha1.ArgusBot) bool {
	w.Helper()
	get(w, bot.Name, bot)
	done := meta.FindStatusCondition(bot.Status.Conditions, v1alpha1.ConditionRolloutComplete)
	return done != nil && done.Status == "True" && done.ObservedGeneration == bot.Generation
}

// A bot to which nothing happens costs no write: not of a Deployment, not of the
// ledger, not of the status, whatever its guilds do.
func TestASettledRolloutCostsNoWrite(t *testing.T) {
	w := newWorld(t)
	bot := playedBot("mybot", 4, 2)
	k := w.bring(bot)
	w.setImage(bot, newImage)
	w.complete(bot)
	w.settle()
	before, ledger := get(w, "mybot", bot).ResourceVersion, w.ledger(bot).String()
	w.quietly()
	w.restart(nil)
	w.quietly()
	if now := get(w, "mybot", bot).ResourceVersion; now != before {
		t.Errorf("the bot moved from %s to %s", before, now)
	}
	if now := w.ledger(bot).String(); now != ledger {
		t.Errorf("the ledger changed\nfrom %s\nto   %s", ledger, now)
	}
	if seen := k.guildCounts(); len(seen) < 2 {
		t.Errorf("the guilds did not wobble: %v", seen)
	}
}
