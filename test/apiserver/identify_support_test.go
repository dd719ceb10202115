//go:build apiserver

package apiserver

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// ledger of a bot's token as it is kept.
func (w *world) ledger(bot *v1alpha1.ArgusBot) *rollout.Ledger {
	w.Helper()
	name := w.ledgerName(bot)
	ledger, err := rollout.ParseLedger(get(w, name, &corev1.ConfigMap{}).Data[manifests.IdentifyLedgerKey])
	if err != nil {
		w.Fatal(err)
	}
	return ledger
}

func (w *world) ledgerName(bot *v1alpha1.ArgusBot) string {
	w.Helper()
	return manifests.IdentifyLedger(bot).Name
}

// identified is how many sessions the processes have really started.
func identified(k *kubelet) int {
	sessions := 0
	for _, start := range k.history() {
		sessions += start.shards
	}
	return sessions
}

// spent waits until the ledger holds so many starts.
func (w *world) spent(bot *v1alpha1.ArgusBot, want int) {
	w.Helper()
	w.eventually(func() string {
		if used := w.ledger(bot).Used(operator.setup.clock.now()); used != want {
			return fmt.Sprintf("the ledger holds %d starts, want %d", used, want)
		}
		return ""
	})
}

// yesterday is longer ago than starts count.
const yesterday = -26 * time.Hour
