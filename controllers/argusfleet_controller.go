package controllers

import (
	"context"
	"errors"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// ArgusFleetReconciler keeps one control plane for each ArgusFleet.
type ArgusFleetReconciler struct {
	Base
	// Random is where tokens come from.
	Random interface{ Read([]byte) (int, error) }
	// RotationGrace is what members may take to follow a rotation, beyond two TTLs,
	// before they are named; 0 means five minutes.
	RotationGrace time.Duration

	verified verified
	growths  growths
}

// fleetScope is what one reconcile of an ArgusFleet knows.
type fleetScope struct {
	fleet *v1alpha1.ArgusFleet
	// secrets, each of which is read once.
	secrets client.Reader
	// service as it is, once it is ours; set by ensureService.
	service *corev1.Service
	// vault is what the Secrets with the tokens hold, sight what the control plane says
	// of them, and rotation how that stands; set by ensureSecrets, nil if not read.
	vault    *tokens.Vault
	sight    tokens.Sight
	rotation *tokens.Plan
	// claim as it is, and why the API server does not let it grow; set by ensureClaim.
	claim   *corev1.PersistentVolumeClaim
	refusal string
	// missing is something that the pod needs and that is not there, or nil; set by
	// keepTokens, ensureClaim and checkInputs. It holds back what starts the pod, and
	// nothing else.
	missing *hold
	// unusable says what ails the Secret with the tokens; set by keepTokens. It counts
	// although the pod runs, which has read it before.
	unusable error
	// ingress as it is; set by ensureObjects.
	ingress *networkingv1.Ingress
	// optional objects that were found, and the HTTPRoute as it is; set by ensureOptional.
	optional optionalFound
	route    *unstructured.Unstructured
	// seenFromOutside: all that leads to the control plane from outside was looked at.
	seenFromOutside bool
	// deployment as it is; set by readDeployment, and by ensureDeployment, which knows
	// whether it is as desired.
	deployment *appsv1.Deployment
	stands     bool
	// pods of the control plane; set by observe.
	pods []corev1.Pod
	// answer of the control plane, if it was asked; set by ask.
	answer FleetAnswer
}

// What the operator may do, and no more. Secrets are never listed or watched.
//
// +kubebuilder:rbac:groups=argus.dev,resources=argusfleets,verbs=get;list;watch
// The finalizer on a bot is all that is ever patched of one: a spec is never written.
// +kubebuilder:rbac:groups=argus.dev,resources=argusbots,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=argus.dev,resources=argusfleets/status;argusbots/status,verbs=update
// +kubebuilder:rbac:groups=argus.dev,resources=argusfleets/finalizers;argusbots/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;create;patch
// The claims of a bot's clusters are deleted with the clusters; that of a fleet never is.
// +kubebuilder:rbac:groups="",resources=serviceaccounts;persistentvolumeclaims,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies;ingresses,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=servicemonitors;podmonitors;prometheusrules,verbs=get;list;watch;create;patch;delete
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
	if err := r.Applier.Read(ctx, fleet); err != nil || !fleet.DeletionTimestamp.IsZero() {
		r.verified.forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err) // owner references do the rest
	}
	before := fleet.DeepCopy()
	scope := &fleetScope{fleet: fleet, secrets: newSecretsOnce(r.Client)}
	err := r.run(ctx, scope)
	if result, ok := passing(err); ok {
		return result, nil
	}
	deriveFleetStatus(scope, holdOf(err), r.Options)
	if statusErr := writeStatus(ctx, &r.Base, v1alpha1.KindArgusFleet, before, fleet, fleetStatusOf); statusErr != nil {
		return again(statusErr)
	}
	return resultOf(err, scope.poll())
}

// run brings the fleet where its spec says, as far as that goes. How the control plane does
// is looked at in any case, so that trouble with what it is to be does not hide what it is.
func (r *ArgusFleetReconciler) run(ctx context.Context, s *fleetScope) error {
	if restsAll(s.fleet.Spec.Suspend) {
		return r.look(ctx, s)
	}
	err := r.bring(ctx, s)
	err = errors.Join(s.unusable, err) // in this order: bring finds out what is unusable
	if s.service == nil {
		return err // nobody is asked under a name that is not ours
	}
	err = errors.Join(err, r.observe(ctx, s))
	r.ask(s)
	return err
}

// bring goes through the phases until one cannot go on.
func (r *ArgusFleetReconciler) bring(ctx context.Context, s *fleetScope) error {
	for _, phase := range []func(context.Context, *fleetScope) error{
		r.readDeployment,
		// The Service first: until the name is ours, nobody is to present a token there.
		r.ensureService,
		r.keepTokens,
		r.ensureClaim,
		r.checkInputs,
		r.ensureObjects,
		r.ensureOptional,
		r.ensureDeployment,
		r.pruneAccounts,
	} {
		if err := phase(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func fleetStatusOf(fleet *v1alpha1.ArgusFleet) (any, []metav1.Condition) {
	return &fleet.Status, fleet.Status.Conditions
}

// poll is when to look again at what no watch reports.
func (s *fleetScope) poll() time.Duration {
	if s.missing != nil {
		return min(s.missing.after, tokensPoll(s))
	}
	return tokensPoll(s)
}

// fleetPoll is how often a control plane is asked: once a heartbeat interval.
func fleetPoll(fleet *v1alpha1.ArgusFleet) time.Duration {
	return time.Duration(manifests.FleetEffective(&fleet.Spec).HeartbeatIntervalSeconds) * time.Second
}

// SetupWithManager watches ArgusFleets and what they own.
// Those that come out of woken are reconciled too.
func (r *ArgusFleetReconciler) SetupWithManager(mgr ctrl.Manager, woken <-chan event.GenericEvent) error {
	byLabel := handler.EnqueueRequestsFromMapFunc(requestFromLabel(v1alpha1.LabelFleet))
	built, err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.ArgusFleet{}, builder.WithPredicates(specOrAnnotations())).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&networkingv1.NetworkPolicy{}).
		Owns(&networkingv1.Ingress{}).
		Watches(&corev1.PersistentVolumeClaim{}, byLabel).
		Watches(&corev1.Pod{}, byLabel).
		WatchesRawSource(source.Channel(woken, &handler.EnqueueRequestForObject{})).
		WatchesRawSource(source.Channel(r.Kinds.tell(), handler.EnqueueRequestsFromMapFunc(r.everyOne(&v1alpha1.ArgusFleetList{})))).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Named("argusfleet").
		Build(r)
	if err != nil {
		return err
	}
	for _, one := range fleetOptional(&v1alpha1.ArgusFleet{}) {
		r.Kinds.watch(one.gvk, built, byLabel)
	}
	return nil
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
