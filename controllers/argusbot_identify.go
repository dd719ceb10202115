package controllers

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// tokenIndex finds the bots of a namespace that share a Discord token.
const tokenIndex = "spec.discord.tokenSecretRef"

// identifyBook is a bot's view of what its token has spent of its session starts.
type identifyBook struct {
	ledger *rollout.Ledger
	// config holds the ledger; stands tells whether it exists, and text what it holds.
	config *corev1.ConfigMap
	stands bool
	text   string
	// limit is the smallest of all bots with the token; differ: they name different ones.
	limit  int32
	differ bool
	// sharing are the bots with the token.
	sharing []v1alpha1.ArgusBot
}

// knows tells whether a cluster of the ledger is one that a bot of today has.
func (b *identifyBook) knows(key string) bool {
	name, index, _ := strings.Cut(key, "/")
	for i := range b.sharing {
		if bot := &b.sharing[i]; bot.Name == name {
			number, err := strconv.Atoi(index)
			return err == nil && number < len(manifests.ShardRanges(bot.Spec.Sharding))
		}
	}
	return false
}

// readLedger reads what the bot's token has spent, and debits the starts that its
// pods show.
func (r *ArgusBotReconciler) readLedger(ctx context.Context, s *botScope) error {
	book := &identifyBook{config: manifests.IdentifyLedger(s.bot)}
	if held := s.memory.ledger.config; held != nil && held.Name != book.config.Name {
		if err := r.flushLedger(ctx, s.memory); err != nil {
			return err
		}
	}
	if err := r.shareLimit(ctx, s.bot, book); err != nil {
		return err
	}
	err := r.Applier.Read(ctx, book.config)
	switch {
	case apierrors.IsNotFound(err):
		book.config = manifests.IdentifyLedger(s.bot)
	case err != nil:
		return fmt.Errorf("reading ConfigMap %s: %w", book.config.Name, err)
	case !isOurs(book.config):
		return &apply.NameConflictError{Kind: "ConfigMap", Name: book.config.Name}
	default:
		book.stands, book.text = true, book.config.Data[manifests.IdentifyLedgerKey]
	}
	if book.ledger, err = rollout.ParseLedger(s.ledgerText(book.text)); err != nil {
		return &hold{
			reason: v1alpha1.ReasonInvalidLedger, stalled: true, after: retryConflict,
			message: fmt.Sprintf("ConfigMap %q does not hold the session starts of the token any more: restore it, "+
				"or delete it if the token has started few sessions in the last day", book.config.Name),
		}
	}
	r.debitStarts(s, book)
	book.ledger.Keep(r.Now(), book.knows)
	s.book = book
	return nil
}

// isOurs tells whether a ledger is one that we made: it has no owner.
func isOurs(config *corev1.ConfigMap) bool {
	return config.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy
}

// shareLimit finds the smallest limit that bots with the same token declare.
func (r *ArgusBotReconciler) shareLimit(ctx context.Context, bot *v1alpha1.ArgusBot, book *identifyBook) error {
	var sharing v1alpha1.ArgusBotList
	err := r.Client.List(ctx, &sharing, client.InNamespace(bot.Namespace), client.MatchingFields{tokenIndex: tokenOf(bot)})
	if err != nil {
		return fmt.Errorf("listing the bots with the same token: %w", err)
	}
	book.limit = manifests.IdentifyLimit(bot)
	book.sharing = sharing.Items
	for i := range sharing.Items {
		limit := manifests.IdentifyLimit(&sharing.Items[i])
		book.differ = book.differ || limit != book.limit
		book.limit = min(book.limit, limit)
	}
	return nil
}

// tokenOf names the token of a bot within its namespace.
func tokenOf(bot *v1alpha1.ArgusBot) string {
	return bot.Spec.Discord.TokenSecretRef.Name + "/" + bot.Spec.Discord.TokenSecretRef.Key
}

// ledgerKey names a cluster in the ledger.
func ledgerKey(bot *v1alpha1.ArgusBot, index string) string { return bot.Name + "/" + index }

// debitStarts enters the container starts of every pod of the bot that have not been
// paid for, and lets clusters start again that a person released.
func (r *ArgusBotReconciler) debitStarts(s *botScope, book *identifyBook) {
	now, absent := r.Now(), r.absence(s, book)
	for index, pods := range podsByCluster(s.pods) {
		seen := make([]rollout.Pod, 0, len(pods))
		for i := range pods {
			seen = append(seen, startsOf(&pods[i]))
		}
		book.ledger.Observe(now, ledgerKey(s.bot, index), shardsOfPods(pods), seen, absent)
	}
	if asked := s.bot.Annotations[v1alpha1.AnnotationResetCrashLoop]; asked != "" && asked != lastReset(s.bot) && !restsAll(s.bot.Spec.Suspend) {
		for i := range manifests.ShardRanges(s.bot.Spec.Sharding) {
			book.ledger.Resume(now, ledgerKey(s.bot, strconv.Itoa(i)))
		}
		s.reset = asked
	}
}

func lastReset(bot *v1alpha1.ArgusBot) string {
	return ptr.Deref(bot.Status.LastHandled, v1alpha1.BotLastHandled{}).ResetCrashLoop
}

// absence is how long the ledger had been left alone when this process read it for the
// first time, until what a bot started meanwhile has been entered, and 0 after that.
func (r *ArgusBotReconciler) absence(s *botScope, book *identifyBook) time.Duration {
	var away time.Duration
	if book.ledger.SeenAt != 0 {
		away = max(r.Now().Sub(time.Unix(book.ledger.SeenAt, 0)), 0)
	}
	first, _ := r.ledgers.LoadOrStore(types.NamespacedName{Namespace: s.bot.Namespace, Name: book.config.Name}, away)
	if s.memory.entered {
		return 0
	}
	return first.(time.Duration)
}

// startsOf is what a pod tells of the starts of the bot's container.
func startsOf(pod *corev1.Pod) rollout.Pod {
	seen := rollout.Pod{UID: string(pod.UID), CreatedAt: pod.CreationTimestamp.Time}
	for i := range pod.Status.ContainerStatuses {
		status := &pod.Status.ContainerStatuses[i]
		if status.Name != manifests.BotContainer {
			continue
		}
		seen.Restarts = int(status.RestartCount)
		waiting := ptr.Deref(status.State.Waiting, corev1.ContainerStateWaiting{}).Reason
		seen.Looping = waiting == "CrashLoopBackOff"
		for _, state := range []corev1.ContainerState{status.LastTerminationState, status.State} {
			switch {
			case state.Running != nil:
				seen.Started, seen.StartedAt = true, state.Running.StartedAt.Time
			case state.Terminated != nil:
				seen.Started, seen.StartedAt = true, state.Terminated.StartedAt.Time
			}
		}
	}
	return seen
}

// shardsOfPods are those that the newest of a cluster's pods runs.
func shardsOfPods(pods []corev1.Pod) rollout.Range {
	newest := &pods[0]
	for i := range pods {
		if pods[i].CreationTimestamp.After(newest.CreationTimestamp.Time) {
			newest = &pods[i]
		}
	}
	shards, ok := manifests.ShardsOf(&newest.ObjectMeta)
	if !ok {
		return rollout.Range{} // no pod of ours lacks its layout
	}
	return rangeOf(shards)
}

// saveLedger writes what was entered, before anything starts on the strength of it.
// The resource version makes a second writer read again.
func (r *ArgusBotReconciler) saveLedger(ctx context.Context, s *botScope) error {
	text := s.book.ledger.String()
	if text != s.book.text && r.holdsLedger(s, text) {
		return nil
	}
	err := r.writeLedger(ctx, s.book, text)
	if err == nil {
		s.memory.entered, s.memory.ledger = true, heldLedger{}
	}
	return err
}

func (r *ArgusBotReconciler) writeLedger(ctx context.Context, book *identifyBook, text string) error {
	if text == book.text || (!book.stands && len(book.ledger.Clusters) == 0) {
		return nil
	}
	if !book.stands {
		book.config.Data = map[string]string{manifests.IdentifyLedgerKey: text}
		if err := r.createLedger(ctx, book.config); err != nil {
			return err
		}
	} else if err := r.updateLedger(ctx, book.config, text); err != nil {
		return err
	}
	book.stands, book.text = true, text
	return nil
}

// updateLedger writes over the ledger that was read, or fails with a conflict. A patch would
// have the API server take it apart and put it together again, which costs it more.
func (r *ArgusBotReconciler) updateLedger(ctx context.Context, config *corev1.ConfigMap, text string) error {
	config.Data = map[string]string{manifests.IdentifyLedgerKey: text}
	if err := r.Client.Update(ctx, config, client.FieldOwner(v1alpha1.FieldOwner)); err != nil {
		return fmt.Errorf("writing ConfigMap %s: %w", config.Name, err)
	}
	r.Applier.NoteWrite("ConfigMap", "update", config)
	return nil
}

// createLedger fails with a NameConflictError where somebody else's ConfigMap stands,
// which the cache does not show.
func (r *ArgusBotReconciler) createLedger(ctx context.Context, config *corev1.ConfigMap) error {
	err := r.Client.Create(ctx, config, client.FieldOwner(v1alpha1.FieldOwner))
	if err == nil {
		r.Applier.NoteWrite("ConfigMap", "create", config)
		return nil
	}
	if apierrors.IsAlreadyExists(err) {
		if readErr := r.Applier.ReadLive(ctx, config); readErr != nil {
			return fmt.Errorf("reading ConfigMap %s: %w", config.Name, readErr)
		}
		if !isOurs(config) {
			return &apply.NameConflictError{Kind: "ConfigMap", Name: config.Name}
		}
	}
	return fmt.Errorf("creating ConfigMap %s: %w", config.Name, err)
}

// sharing leads from a bot to the others with the same token, whose limit it may change.
func (r *ArgusBotReconciler) sharing(ctx context.Context, object client.Object) []reconcile.Request {
	bot, ok := object.(*v1alpha1.ArgusBot)
	if !ok {
		return nil
	}
	var bots v1alpha1.ArgusBotList
	err := r.Client.List(ctx, &bots, client.InNamespace(bot.Namespace), client.MatchingFields{tokenIndex: tokenOf(bot)})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing the bots with the same token", "bot", bot.Name)
		return nil
	}
	return slices.DeleteFunc(requestsFor(&bots), func(one reconcile.Request) bool { return one.Name == bot.Name })
}
