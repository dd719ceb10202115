package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// ArgusBotReconciler keeps one Deployment for each cluster of each ArgusBot.
type ArgusBotReconciler struct {
	Base
	// AllowExternalFleets lets the operator read control planes that it does not run.
	AllowExternalFleets bool
	// Gathering is how long news of a bot's objects and pods are gathered before it is looked
	// at; 0, as tests have it that wait for each step, is not at all.
	Gathering time.Duration
	// Forms of pods that can be made, oldest first; nil for those of this build.
	Forms []manifests.Form

	// Connect makes a client of a control plane, to retire clusters; nil means fleetapi.NewClient.
	Connect func(url string, options fleetapi.ClientOptions) (*fleetapi.Client, error)

	memories memories
	verified verified
	handed   verified // ArgusFleets whose member token was found
	growths  growths
	ledgers  sync.Map // names of the ledgers that this process has read -> how long they had been left alone
}

// botScope is what one reconcile of an ArgusBot knows.
type botScope struct {
	bot *v1alpha1.ArgusBot
	// memory of the reconciles before.
	memory *memory
	// target is the control plane, or nil without one, and starting whether it has yet
	// to come up for the first time; set by resolveFleet.
	target   *manifests.FleetTarget
	starting bool
	// fleet is the ArgusFleet that the spec names, if it exists; set by resolveFleet.
	fleet *v1alpha1.ArgusFleet
	// missing names a Secret that the pods need and that is not there, or is nil; set
	// by checkInputs. It holds back what starts pods, and nothing else.
	missing *hold
	// secrets is the digest of the Secrets that the pods follow, or ""; set by followSecrets.
	secrets string
	// refusal says why a claim does not grow, or ""; set by ensureClaims.
	refusal string
	// optional objects that were found; set by ensureOptional.
	optional optionalFound
	// deployments of the bot, and the pods of all clusters; set by observe.
	deployments []appsv1.Deployment
	pods        []corev1.Pod
	// frozen: the shard layout is to change, and may not yet: rollouts are suspended, or the
	// new layout waits for session starts, as resharding says; set by stopOldLayout.
	frozen     bool
	resharding rollout.Reshard
	// book tells what the token has spent, and reset which wish to start stopped clusters
	// again was followed; set by readLedger.
	book  *identifyBook
	reset string
	// form of the pods, and the newer one that may be accepted, or 0; set by chooseForm.
	form      manifests.Form
	available int32
	// updateRevision names what all clusters are to be. clusters by index: what is
	// desired and what stands by lookAtClusters, fleet by ask, done by judgeClusters.
	// failed is what could not be looked at.
	updateRevision string
	clusters       []clusterScope
	failed         error
	// unanswered: the control plane has just failed to answer, and is waited for. ungated: it
	// cannot be asked, so that ready pods have to do; set by judgeClusters.
	unanswered, ungated bool
	// decision of what to write now; set by rollOut.
	decision rollout.Decision
	// wake is when to look again at what nobody reports, or zero: that a gate opens by
	// itself, or that a cluster should have registered; set by wakeAt.
	wake time.Time
	// observed: the status has the wobbling values as they are; set by damp.
	observed bool
	// answer of the control plane, and why it was not asked; set by ask.
	answer   FleetAnswer
	notAsked *hold
}

// clusterScope is what one reconcile knows of one cluster.
type clusterScope struct {
	key      string
	identity string
	shards   manifests.ShardRange
	// desired Deployment, and the name of what its pods are to be.
	desired  *appsv1.Deployment
	revision string
	// found is how it stood; live, the Deployment or nil, stands and drifted are its, until
	// it is written. foreign: it is not ours; unread: it could not be looked at, or is being
	// deleted. Nothing is known of either.
	found           apply.Found[*appsv1.Deployment]
	live            *appsv1.Deployment
	stands, drifted bool
	foreign, unread bool
	pods            []corev1.Pod
	fleet           *fleetapi.ClusterStatus
	// done: it works. gate says what is still missing. protected: crash-loop
	// protection has stopped it.
	done      bool
	gate      string
	protected bool
}

func (c *clusterScope) available() bool { return c.live != nil && c.stands && available(c.live) }

// Reconcile brings one ArgusBot to where its spec says.
func (r *ArgusBotReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	bot := &v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name}}
	if err := r.Applier.Read(ctx, bot); err != nil {
		if apierrors.IsNotFound(err) {
			return ctrl.Result{}, r.forget(ctx, request.NamespacedName)
		}
		return ctrl.Result{}, err
	}
	if !bot.DeletionTimestamp.IsZero() {
		if err := r.forget(ctx, request.NamespacedName); err != nil {
			return ctrl.Result{}, err
		}
		return r.retire(ctx, bot)
	}
	remembered, err := r.remember(ctx, bot)
	if err != nil {
		return ctrl.Result{}, err
	}
	before := bot.DeepCopy()
	scope := &botScope{bot: bot, memory: remembered, decision: rollout.Undecided()}
	err = r.run(ctx, scope)
	if result, ok := passing(err); ok {
		return result, nil
	}
	r.deriveBotStatus(scope, holdOf(err))
	if statusErr := writeStatus(ctx, &r.Base, v1alpha1.KindArgusBot, before, bot, botStatusOf); statusErr != nil {
		return again(statusErr)
	}
	if scope.observed {
		remembered.observed = r.Now()
	}
	return resultOf(err, r.next(scope))
}

// wakeAt has the bot looked at again at the earliest of all times given; zero is none.
func (s *botScope) wakeAt(at time.Time) {
	if !at.IsZero() && (s.wake.IsZero() || at.Before(s.wake)) {
		s.wake = at
	}
}

// next is when to look again: at the poll, or when something asked for it.
func (r *ArgusBotReconciler) next(s *botScope) time.Duration {
	next := soonest(botPoll(s), r.secretsPoll(s))
	s.wakeAt(s.decision.Wake)
	if s.wake.IsZero() {
		return next
	}
	return soonest(next, max(s.wake.Sub(r.Now()), time.Second))
}

// soonest of two times to look again, where 0 is never.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// run goes through the phases until one cannot go on. What the clusters do is looked
// at in any case, so that trouble with one object does not hide the others, and the
// status tells of the clusters while an old layout is being stopped.
func (r *ArgusBotReconciler) run(ctx context.Context, s *botScope) error {
	err := r.resolveFleet(ctx, s)
	if held := holdOf(err); !held.isRetry() {
		err = errors.Join(err, r.ensureFinalizer(ctx, s))
	}
	if err != nil {
		return r.guard(ctx, s, err)
	}
	if restsAll(s.bot.Spec.Suspend) {
		return r.onlyLook(ctx, s)
	}
	for _, phase := range []func(context.Context, *botScope) error{
		r.checkInputs,
		r.ensureObjects,
		r.ensureClaims,
		r.ensureOptional,
		r.observe,
		r.readLedger,
		r.chooseForm,
		r.followSecrets,
	} {
		if err := phase(ctx, s); err != nil {
			return r.guard(ctx, s, err)
		}
	}
	held := r.stopOldLayout(ctx, s)
	if err := r.lookAtClusters(ctx, s); err != nil {
		return r.guard(ctx, s, errors.Join(held, err))
	}
	r.ask(s)
	r.judgeClusters(s)
	if held != nil {
		return r.guard(ctx, s, errors.Join(held, s.failed))
	}
	if err := r.rollOut(ctx, s); err != nil {
		return err
	}
	return r.tidy(ctx, s)
}

// onlyLook gathers what the status tells, and writes nothing.
func (r *ArgusBotReconciler) onlyLook(ctx context.Context, s *botScope) error {
	for _, phase := range []func(context.Context, *botScope) error{r.observe, r.readLedger, r.chooseForm, r.followSecrets, r.lookAtClusters} {
		if err := phase(ctx, s); err != nil {
			return err
		}
	}
	r.ask(s)
	r.judgeClusters(s)
	return s.failed
}

func botStatusOf(bot *v1alpha1.ArgusBot) (any, []metav1.Condition) {
	return &bot.Status, bot.Status.Conditions
}

const (
	// awaitedRead is how often a control plane is read while a cluster is awaited.
	awaitedRead = 2 * time.Second
	// A bot itself is looked at once in so many intervals: what its values have become does
	// not wake it. While a cluster is awaited news wake it, so that it is looked at less
	// often, and once in awaitedPoll in any case. Who asks more seldom than Fleets wants
	// gets none.
	quietIntervals   = 3
	awaitedIntervals = 8
	awaitedPoll      = 2 * time.Minute
)

// askInterval is how often the control plane is to be read: once a heartbeat interval,
// sooner while a cluster is awaited.
func askInterval(s *botScope) time.Duration {
	if s.arrived() {
		return interval(s)
	}
	return min(interval(s), awaitedRead)
}

// botPoll is how often the bot is looked at without an occasion; 0 for never.
func botPoll(s *botScope) time.Duration {
	switch {
	case s.missing != nil:
		return s.missing.after
	case s.target == nil && (s.complete() || manifests.Hibernates(s.bot)):
		return 0
	case s.target == nil:
		return foundLately
	case s.arrived():
		return quietIntervals * interval(s)
	}
	return min(awaitedIntervals*interval(s), awaitedPoll)
}

func interval(s *botScope) time.Duration {
	return time.Duration(s.target.IntervalSeconds) * time.Second
}

// arrived tells whether every cluster is as desired, works, and is known to the control
// plane, or is meant to do nothing.
func (s *botScope) arrived() bool {
	return manifests.Hibernates(s.bot) || s.complete() && meta.IsStatusConditionTrue(s.bot.Status.Conditions, v1alpha1.ConditionFleetJoined)
}

const fleetRefIndex = "spec.fleet.ref.name"

// SetupWithManager watches ArgusBots, what they own, and the ArgusFleets they name.
// Those that come out of woken are reconciled too.
func (r *ArgusBotReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, woken <-chan event.GenericEvent) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.ArgusBot{}, fleetRefIndex, func(object client.Object) []string {
		fleet := object.(*v1alpha1.ArgusBot).Spec.Fleet
		if fleet == nil || fleet.Ref == nil {
			return nil
		}
		return []string{fleet.Ref.Name}
	})
	if err != nil {
		return err
	}
	err = mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.ArgusBot{}, tokenIndex, func(object client.Object) []string {
		return []string{tokenOf(object.(*v1alpha1.ArgusBot))}
	})
	if err != nil {
		return err
	}
	if err := indexByBot(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	ownedBy := gathered{handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.ArgusBot{}, handler.OnlyControllerOwner()), r.Gathering}
	byLabel := gathered{handler.EnqueueRequestsFromMapFunc(requestFromLabel(v1alpha1.LabelBot)), r.Gathering}
	bySharing := gathered{handler.EnqueueRequestsFromMapFunc(r.sharing), r.Gathering}
	built, err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.ArgusBot{}, builder.WithPredicates(specOrAnnotations())).
		Watches(&appsv1.Deployment{}, ownedBy, builder.WithPredicates(newsworthy(seenOfDeployment))).
		Watches(&corev1.ServiceAccount{}, ownedBy).
		Watches(&networkingv1.NetworkPolicy{}, ownedBy).
		Watches(&corev1.PersistentVolumeClaim{}, ownedBy).
		Watches(&corev1.Pod{}, byLabel, builder.WithPredicates(newsworthy(seenOfPod))).
		Watches(&v1alpha1.ArgusBot{}, bySharing, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.ArgusFleet{}, handler.EnqueueRequestsFromMapFunc(r.botsOf), builder.WithPredicates(specOrReady())).
		WatchesRawSource(source.Channel(woken, &handler.EnqueueRequestForObject{})).
		WatchesRawSource(source.Channel(r.Kinds.tell(), handler.EnqueueRequestsFromMapFunc(r.everyOne(&v1alpha1.ArgusBotList{})))).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Named("argusbot").
		Build(r)
	if err != nil {
		return err
	}
	for _, one := range botOptional(&v1alpha1.ArgusBot{}, nil) {
		r.Kinds.watch(one.gvk, built, byLabel)
	}
	return nil
}

// specOrReady lets through what matters of an ArgusFleet to its bots: that its
// objects have been made, whether it runs, and which token members are handed.
func specOrReady() predicate.Predicate {
	return predicate.Or(predicate.GenerationChangedPredicate{}, predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, was := e.ObjectOld.(*v1alpha1.ArgusFleet)
		now, is := e.ObjectNew.(*v1alpha1.ArgusFleet)
		ready := func(fleet *v1alpha1.ArgusFleet) bool {
			return meta.IsStatusConditionTrue(fleet.Status.Conditions, v1alpha1.ConditionReady)
		}
		return was && is && (ready(before) != ready(now) || memberFingerprint(before) != memberFingerprint(now) ||
			before.Status.ObservedGeneration != now.Status.ObservedGeneration || before.Status.URL != now.Status.URL)
	}})
}

// botsOf leads from an ArgusFleet to the bots that name it.
func (r *ArgusBotReconciler) botsOf(ctx context.Context, fleet client.Object) []reconcile.Request {
	var bots v1alpha1.ArgusBotList
	err := r.Client.List(ctx, &bots, client.InNamespace(fleet.GetNamespace()), client.MatchingFields{fleetRefIndex: fleet.GetName()})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing the bots of a fleet", "fleet", fleet.GetName())
		return nil
	}
	return requestsFor(&bots)
}

// requestsFor leads to the objects of a list.
func requestsFor(list client.ObjectList) []reconcile.Request {
	var requests []reconcile.Request
	_ = meta.EachListItem(list, func(item runtime.Object) error { // the function never fails
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(item.(client.Object))})
		return nil
	})
	return requests
}
