package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// memory is what this process remembers of a bot from one reconcile to the next, besides
// the object. An operator that starts anew does without. Only the bot's own reconcile
// touches it, of which there is one at a time.
type memory struct {
	uid types.UID
	// secrets that the pods follow.
	secrets secretsRead
	// entered: what the pods show of starts has been entered in the ledger.
	entered bool
	// retiredBy is when the answer was by which an old layout was retired.
	retiredBy time.Time
	// observed is when a wobbling value was last written.
	observed time.Time
	// heldSince is since when news is held back, or zero, and ledger what was held of it.
	heldSince time.Time
	ledger    heldLedger
	// outdated are by a cluster's key the pods that make way for its newest revision.
	outdated map[string]outdatedPods
}

// memories are those of all bots, by name.
type memories struct{ byName sync.Map }

// of a bot by its name, or nil.
func (m *memories) of(name types.NamespacedName) *memory {
	known, ok := m.byName.Load(name)
	if !ok {
		return nil
	}
	return known.(*memory)
}

// remember finds what is known of a bot; nothing of another that had its name before.
func (r *ArgusBotReconciler) remember(ctx context.Context, bot *v1alpha1.ArgusBot) (*memory, error) {
	if known := r.memories.of(nameOf(bot)); known != nil && known.uid == bot.UID {
		return known, nil
	}
	if err := r.forget(ctx, nameOf(bot)); err != nil {
		return nil, err
	}
	fresh := &memory{uid: bot.UID}
	r.memories.byName.Store(nameOf(bot), fresh)
	return fresh, nil
}

// forget goes by the name, which is all that is left of a bot that is gone. What was not
// written yet of its token's ledger is.
func (r *ArgusBotReconciler) forget(ctx context.Context, name types.NamespacedName) error {
	if known := r.memories.of(name); known != nil {
		if err := r.flushLedger(ctx, known); err != nil {
			return err
		}
	}
	r.memories.byName.Delete(name)
	r.verified.forget(name)
	return nil
}
