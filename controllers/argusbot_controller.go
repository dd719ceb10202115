package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// ArgusBotReconciler keeps one Deployment for each cluster of each ArgusBot.
type ArgusBotReconciler struct {
	Base
	// AllowExternalFleets lets the operator read control planes that it does not run.
	AllowExternalFleets bool
	// Forms of pods that can be made, oldest first; nil for those of this build.
	Forms []manifests.Form

	// Connect makes a client of a control plane, to retire clusters; nil means fleetapi.NewClient.
	Connect func(url string, options fleetapi.ClientOptions) (*fleetapi.Client, error)

	observations observations
	verified     verified
	ledgers      sync.Map // names of the ledgers that this process has read -> how long they had been left alone
	looked       sync.Map // UIDs of the bots whose starts this process has entered in a ledger
}

// botScope is what one reconcile of an ArgusBot knows.
type botScope struct {
	bot *v1alpha1.ArgusBot
	// target is the control plane, or nil without one, and starting whether it has yet
	// to come up for the first time; set by resolveFleet.
	target   *manifests.FleetTarget
	starting bool
	// fleet is the ArgusFleet that the spec names, if it exists; set by resolveFleet.
	fleet *v1alpha1.ArgusFleet
	// missing names a Secret that the pods need and that is not there, or is nil; set
	// by checkInputs. It holds back what starts pods, and nothing else.
	missing *hold
	// pods of all clusters; set by observe.
	pods []corev1.Pod
	// frozen: the shard layout is to change, and may not while rollouts are suspended;
	// set by stopOldLayout.
	frozen bool
	// book tells what the token has spent, and reset which wish to start stopped clusters
	// again was followed; set by readLedger.
	book  *identifyBook
	reset string
	// deployments of the bot, the form of their pods, and the newer one that may be
	// accepted, or 0; set by chooseForm.
	deployments []appsv1.Deployment
	form        manifests.Form
	available   int32
	// updateRevision names what all clusters are to be. clusters by index: what is
	// desired and what stands by lookAtClusters, fleet by ask, done by judgeClusters.
	// failed is what could not be looked at.
	updateRevision string
	clusters       []clusterScope
	failed         error
	// ungated: the control plane cannot be asked, so that ready pods have to do; set by
	// judgeClusters.
	ungated bool
	// decision of what to write now; set by rollOut.
	decision rollout.Decision
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
	// live Deployment, or nil; stands and drifted as apply.Found has them. foreign: it
	// is not ours.
	live            *appsv1.Deployment
	stands, drifted bool
	foreign         bool
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
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !bot.DeletionTimestamp.IsZero() {
		r.forget(bot.UID)
		return r.retire(ctx, bot)
	}
	before := bot.DeepCopy()
	scope := &botScope{bot: bot, decision: rollout.Undecided()}
	err := r.run(ctx, scope)
	if result, ok := passing(err); ok {
		return result, nil
	}
	r.deriveBotStatus(scope, holdOf(err))
	if statusErr := writeStatus(ctx, &r.Base, v1alpha1.KindArgusBot, before, bot, botStatusOf); statusErr != nil {
		return ctrl.Result{}, statusErr
	}
	return resultOf(err, r.next(scope))
}

// next is when to look again: at the poll, or when the decision asked for it.
func (r *ArgusBotReconciler) next(s *botScope) time.Duration {
	poll := botPoll(s)
	if s.decision.Wake.IsZero() {
		return poll
	}
	wake := max(s.decision.Wake.Sub(r.Now()), time.Second)
	if poll == 0 {
		return wake
	}
	return min(poll, wake)
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
		return err
	}
	if restsAll(s.bot.Spec.Suspend) {
		return r.onlyLook(ctx, s)
	}
	for _, phase := range []func(context.Context, *botScope) error{
		r.checkInputs,
		r.ensureObjects,
		r.observe,
		r.readLedger,
		r.chooseForm,
	} {
		if err := phase(ctx, s); err != nil {
			return r.keepLedger(ctx, s, err)
		}
	}
	held := r.stopOldLayout(ctx, s)
	if err := r.lookAtClusters(ctx, s); err != nil {
		return r.keepLedger(ctx, s, errors.Join(held, err))
	}
	r.ask(s)
	r.judgeClusters(s)
	if held != nil {
		return r.keepLedger(ctx, s, errors.Join(held, s.failed))
	}
	if err := r.rollOut(ctx, s); err != nil {
		return err
	}
	return r.pruneAccounts(ctx, s)
}

// onlyLook gathers what the status tells, and writes nothing.
func (r *ArgusBotReconciler) onlyLook(ctx context.Context, s *botScope) error {
	for _, phase := range []func(context.Context, *botScope) error{r.observe, r.readLedger, r.chooseForm, r.lookAtClusters} {
		if err := phase(ctx, s); err != nil {
			return err
		}
	}
	r.ask(s)
	r.judgeClusters(s)
	return s.failed
}

// keepLedger enters the starts that were seen although a phase could not go on.
func (r *ArgusBotReconciler) keepLedger(ctx context.Context, s *botScope, err error) error {
	if s.book == nil {
		return err
	}
	if saveErr := r.saveLedger(ctx, s.book); saveErr != nil {
		return saveErr
	}
	return err
}

func (r *ArgusBotReconciler) forget(uid types.UID) {
	r.verified.forget(uid)
	r.looked.Delete(uid)
	r.observations.forget(uid)
}

func botStatusOf(bot *v1alpha1.ArgusBot) (any, []metav1.Condition) {
	return &bot.Status, bot.Status.Conditions
}

// awaitedPoll is how often a control plane is asked while a cluster is awaited.
const awaitedPoll = 2 * time.Second

// botPoll is how often the control plane is asked: once a heartbeat interval, sooner
// while a cluster is awaited; 0 without a control plane.
func botPoll(s *botScope) time.Duration {
	switch {
	case s.missing != nil:
		return s.missing.after
	case s.target == nil:
		return 0
	}
	interval := time.Duration(s.target.IntervalSeconds) * time.Second
	if s.complete() && meta.IsStatusConditionTrue(s.bot.Status.Conditions, v1alpha1.ConditionFleetJoined) {
		return interval
	}
	return min(interval, awaitedPoll)
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
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.ArgusBot{}, builder.WithPredicates(specOrAnnotations())).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&networkingv1.NetworkPolicy{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(requestFromLabel(v1alpha1.LabelBot))).
		Watches(&v1alpha1.ArgusBot{}, handler.EnqueueRequestsFromMapFunc(r.sharing), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.ArgusFleet{}, handler.EnqueueRequestsFromMapFunc(r.botsOf), builder.WithPredicates(specOrReady())).
		WatchesRawSource(source.Channel(woken, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Named("argusbot").
		Complete(r)
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
			before.Status.ObservedGeneration != now.Status.ObservedGeneration)
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

func requestsFor(bots *v1alpha1.ArgusBotList) []reconcile.Request {
	requests := make([]reconcile.Request, 0, len(bots.Items))
	for i := range bots.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&bots.Items[i])})
	}
	return requests
}
