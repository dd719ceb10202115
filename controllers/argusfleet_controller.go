package controllers

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
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
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// ArgusFleetReconciler keeps one control plane for each ArgusFleet.
type ArgusFleetReconciler struct {
	Base
	// Random is where tokens come from.
	Random interface{ Read([]byte) (int, error) }
}

// fleetScope is what one reconcile of an ArgusFleet knows.
type fleetScope struct {
	fleet *v1alpha1.ArgusFleet
	// claim and deployment as they are; set by ensureObjects.
	claim      *corev1.PersistentVolumeClaim
	deployment *appsv1.Deployment
	// pods of the control plane; set by observe.
	pods []corev1.Pod
	// answer of the control plane, if it was asked; set by ask.
	answer FleetAnswer
}

// What the operator may do, and no more. Secrets are never listed or watched.
//
// +kubebuilder:rbac:groups=argus.dev,resources=argusfleets;argusbots,verbs=get;list;watch
// +kubebuilder:rbac:groups=argus.dev,resources=argusfleets/status;argusbots/status,verbs=patch
// +kubebuilder:rbac:groups=argus.dev,resources=argusfleets/finalizers;argusbots/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts;persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// The leader election of client-go records its events in the old group.
// +kubebuilder:rbac:groups="",namespace=argus-system,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=events.k8s.io,namespace=argus-system,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=argus-system,resources=leases,verbs=get;create;update

// Reconcile brings one ArgusFleet to where its spec says.
func (r *ArgusFleetReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	fleet := &v1alpha1.ArgusFleet{ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name}}
	if err := r.Applier.Read(ctx, fleet); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !fleet.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // owner references do the rest
	}
	before := fleet.DeepCopy()
	scope := &fleetScope{fleet: fleet}
	err := r.run(ctx, scope)
	if result, ok := passing(err); ok {
		return result, nil
	}
	deriveFleetStatus(scope, holdOf(err), r.Options)
	if statusErr := writeStatus(ctx, &r.Base, v1alpha1.KindArgusFleet, before, fleet, fleetStatusOf); statusErr != nil {
		return ctrl.Result{}, statusErr
	}
	return resultOf(err, fleetPoll(fleet))
}

// run goes through the phases until one cannot go on.
func (r *ArgusFleetReconciler) run(ctx context.Context, s *fleetScope) error {
	for _, phase := range []func(context.Context, *fleetScope) error{
		// The Service first: until the name is ours, nobody is to present a token there.
		r.ensureService,
		r.ensureSecrets,
		r.ensureObjects,
		r.prune,
		r.observe,
	} {
		if err := phase(ctx, s); err != nil {
			return err
		}
	}
	r.ask(s)
	return nil
}

func fleetStatusOf(fleet *v1alpha1.ArgusFleet) (any, []metav1.Condition) {
	return &fleet.Status, fleet.Status.Conditions
}

// fleetPoll is how often a control plane is asked: once a heartbeat interval.
func fleetPoll(fleet *v1alpha1.ArgusFleet) time.Duration {
	return time.Duration(manifests.FleetEffective(&fleet.Spec).HeartbeatIntervalSeconds) * time.Second
}

// SetupWithManager watches ArgusFleets and what they own.
// Those that come out of woken are reconciled too.
func (r *ArgusFleetReconciler) SetupWithManager(mgr ctrl.Manager, woken <-chan event.GenericEvent) error {
	byLabel := handler.EnqueueRequestsFromMapFunc(requestFromLabel(v1alpha1.LabelFleet))
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.ArgusFleet{}, builder.WithPredicates(specOrAnnotations())).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&networkingv1.NetworkPolicy{}).
		Watches(&corev1.PersistentVolumeClaim{}, byLabel).
		Watches(&corev1.Pod{}, byLabel).
		WatchesRawSource(source.Channel(woken, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Named("argusfleet").
		Complete(r)
}

// specOrAnnotations lets through what a person changed, and not our own status writes.
func specOrAnnotations() predicate.Predicate {
	return predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
}

// requestFromLabel leads from an object to the one that its label names.
func requestFromLabel(label string) handler.MapFunc {
	return func(_ context.Context, object client.Object) []reconcile.Request {
		name := object.GetLabels()[label]
		if name == "" {
			return nil
		}
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}}}
	}
}
