//go:build apiserver

package apiserver

import (
	"strings"
	"testing"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// slowlyReady is a bot whose pods have to stay ready before they count.
func slowlyReady(seconds int32) *v1alpha1.ArgusBot {
	bot := playedBot("mybot", 4, 2)
	bot.Spec.Discord.MaxConcurrency = ptr.To[int32](16)
	bot.Spec.Rollout.Gate, bot.Spec.Rollout.MinReadySeconds = ptr.To(v1alpha1.GateReady), ptr.To(seconds)
	return bot
}

// A pod is ready before it counts, and its member registers meanwhile: what is told of
// that is told with the next step.
func TestAStartIsToldOnceForEachOfItsSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bot := slowlyReady(2)
	w.bring(bot)
	statuses, ledgers := 0, 0
	for _, request := range operator.writes.in(w.namespace) {
		if strings.HasSuffix(request, "/argusbots/mybot/status") {
			statuses++
		}
		if strings.HasPrefix(request, "PUT") && strings.HasSuffix(request, "/configmaps/"+w.ledgerName(bot)) {
			ledgers++
		}
	}
	// It begins, each of the clusters comes to work, and a member may join later.
	if statuses > 4 || statuses < 3 {
		t.Errorf("%d statuses were written, want 3 or 4:\n%s", statuses, strings.Join(operator.writes.in(w.namespace), "\n"))
	}
	// The ledger is made with the first start; the second is entered with the end of the first.
	if ledgers != 2 {
		t.Errorf("the ledger was written again %d times, want 2", ledgers)
	}
	w.spent(bot, 4)
}

// What a ledger says that waits to be written is not forgotten with the pod that it is of.
func TestAPodThatGoesBeforeItCountsIsStillDebited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.play()
	bot := slowlyReady(60)
	bot.Spec.Fleet = nil
	w.create(discordSecret(), bot)
	w.awaitStart(k, "mybot-bot-0", oldImage, 1)
	w.settle()
	pod := w.podsOf("mybot-bot-0")[0]
	if err := admin.Delete(w.ctx, &pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	w.awaitStart(k, "mybot-bot-0", oldImage, 2)
	w.spent(bot, identified(k))
	if identified(k) != 4 {
		t.Errorf("%d sessions were started, want 4", identified(k))
	}
}
