package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

const (
	// retirePatience is how long a deleted bot waits for its clusters to be retired. It
	// goes then in any case: nobody's deletion hangs on a control plane.
	retirePatience = 2 * time.Minute
	// retryRetire is how soon to try again what no watch reports.
	retryRetire = 2 * time.Second
	// retireTimeout bounds the requests of one try.
	retireTimeout = 10 * time.Second
)

// ensureFinalizer keeps a bot until its clusters are retired, where its ArgusFleet
// wants that; else it takes the finalizer away.
func (r *ArgusBotReconciler) ensureFinalizer(ctx context.Context, s *botScope) error {
	if restsAll(s.bot.Spec.Suspend) {
		return nil
	}
	changed := s.bot.DeepCopy()
	if wantsRetirement(s.fleet) {
		controllerutil.AddFinalizer(changed, v1alpha1.FinalizerRetire)
	} else {
		controllerutil.RemoveFinalizer(changed, v1alpha1.FinalizerRetire)
	}
	return r.patchFinalizers(ctx, s.bot, changed)
}

// wantsRetirement tells whether a fleet retires the clusters of deleted bots. One that
// is going away itself holds nobody up.
func wantsRetirement(fleet *v1alpha1.ArgusFleet) bool {
	return fleet != nil && fleet.DeletionTimestamp.IsZero() &&
		ptr.Deref(fleet.Spec.OnDelete, v1alpha1.OnDeleteKeep) == v1alpha1.OnDeleteRetire
}

// patchFinalizers writes the finalizers of changed if they are others than those of bot.
func (r *ArgusBotReconciler) patchFinalizers(ctx context.Context, bot, changed *v1alpha1.ArgusBot) error {
	if len(bot.Finalizers) == len(changed.Finalizers) {
		return nil
	}
	patch := client.MergeFromWithOptions(bot.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, changed, patch, client.FieldOwner(v1alpha1.FieldOwner)); err != nil {
		return fmt.Errorf("writing the finalizers: %w", err)
	}
	r.Applier.NoteWrite(v1alpha1.KindArgusBot, "patch", changed)
	bot.ResourceVersion, bot.Finalizers = changed.ResourceVersion, changed.Finalizers
	return nil
}

// retire goes through the end of a bot: its pods stop, its clusters are retired, and
// the finalizer goes.
func (r *ArgusBotReconciler) retire(ctx context.Context, bot *v1alpha1.ArgusBot) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(bot, v1alpha1.FinalizerRetire) {
		return ctrl.Result{}, nil // owner references do the rest
	}
	end, err := r.retirement(ctx, bot)
	if waiting := holdOf(err); waiting != nil {
		if r.Now().Sub(bot.DeletionTimestamp.Time) < retirePatience {
			return r.awaitRetirement(ctx, bot, waiting, err)
		}
		end = retirementEnd{v1alpha1.ReasonNotRetired, fmt.Sprintf("the clusters were not retired within %s and stay in the control plane: %s",
			retirePatience, waiting.message)}
	}
	changed := bot.DeepCopy()
	controllerutil.RemoveFinalizer(changed, v1alpha1.FinalizerRetire)
	if err := r.patchFinalizers(ctx, bot, changed); err != nil {
		return again(client.IgnoreNotFound(err))
	}
	kind := corev1.EventTypeNormal
	if end.reason == v1alpha1.ReasonNotRetired {
		kind = corev1.EventTypeWarning
	}
	r.Events.Eventf(bot, nil, kind, end.reason, "Retire", "%s", bounded(end.message, maxNote))
	return ctrl.Result{}, nil
}

// awaitRetirement says what the deletion waits for.
func (r *ArgusBotReconciler) awaitRetirement(ctx context.Context, bot *v1alpha1.ArgusBot, waiting *hold, cause error) (ctrl.Result, error) {
	before := bot.DeepCopy()
	bot.Status.ObservedGeneration = bot.Generation
	conditions := newConditions(bot.Status.Conditions, bot.Generation)
	conditions.summarise(readiness{reason: v1alpha1.ReasonRetiring, message: "being deleted: " + waiting.message})
	bot.Status.Conditions = conditions.sorted()
	if err := writeStatus(ctx, &r.Base, v1alpha1.KindArgusBot, before, bot, botStatusOf); err != nil {
		return again(err)
	}
	if waiting.isRetry() {
		return ctrl.Result{}, cause
	}
	return ctrl.Result{RequeueAfter: retryRetire}, nil
}

// retirementEnd is how a retirement came out: the reason and note of an event.
type retirementEnd struct{ reason, message string }

// retirement stops the bot's pods and retires its clusters. The error is a hold while
// something has to happen first.
func (r *ArgusBotReconciler) retirement(ctx context.Context, bot *v1alpha1.ArgusBot) (retirementEnd, error) {
	nobody := retirementEnd{v1alpha1.ReasonNotRetired, "the control plane is gone or keeps the clusters of deleted bots"}
	if bot.Spec.Fleet == nil || bot.Spec.Fleet.Ref == nil {
		return nobody, nil
	}
	fleet, err := r.fleetOf(ctx, bot)
	switch {
	case apierrors.IsNotFound(err):
		return nobody, nil
	case err != nil:
		return retirementEnd{}, err
	case !wantsRetirement(fleet):
		return nobody, nil
	}
	if err := r.stopPods(ctx, bot); err != nil {
		return retirementEnd{}, err
	}
	retired, err := r.retireIdentities(ctx, bot, fleet)
	if err != nil {
		return retirementEnd{}, err
	}
	return retirementEnd{v1alpha1.ReasonRetired, fmt.Sprintf("the control plane has retired %d clusters; their numbers are kept for them", retired)}, nil
}

// stopPods deletes the bot's Deployments and waits until no pod is left: a member that
// runs would register again.
func (r *ArgusBotReconciler) stopPods(ctx context.Context, bot *v1alpha1.ArgusBot) error {
	selector := manifests.BotSelector(bot.Name)
	if err := prune(ctx, &r.Base, bot, &appsv1.DeploymentList{}, selector, nil); err != nil {
		return err
	}
	s := &botScope{bot: bot}
	if err := r.observe(ctx, s); err != nil {
		return err
	}
	for i := range s.pods {
		if runs(&s.pods[i]) {
			return &hold{reason: v1alpha1.ReasonRetiring, message: "waiting for the pods to stop"}
		}
	}
	return nil
}

// planeAdmin may change what a control plane knows.
type planeAdmin struct {
	r             *ArgusBotReconciler
	fleet         *v1alpha1.ArgusFleet
	viewer, admin []byte
}

// adminOf reads the tokens of a control plane. The error is a hold while there are none.
func (r *ArgusBotReconciler) adminOf(ctx context.Context, fleet *v1alpha1.ArgusFleet) (*planeAdmin, error) {
	if err := r.ownService(ctx, fleet); err != nil {
		return nil, err
	}
	var secret corev1.Secret
	name := manifests.FleetTokenSecret(fleet)
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: fleet.Namespace, Name: name}, &secret)
	if apierrors.IsNotFound(err) {
		return nil, &hold{reason: v1alpha1.ReasonRetiring, message: fmt.Sprintf("Secret %q with the admin token does not exist", name)}
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return &planeAdmin{r: r, fleet: fleet, viewer: secret.Data[tokens.KeyViewer], admin: secret.Data[tokens.KeyAdmin]}, nil
}

// retireIdentities retires what the control plane knows of the bot, layouts of earlier
// days included, and returns how many clusters that were.
func (r *ArgusBotReconciler) retireIdentities(ctx context.Context, bot *v1alpha1.ArgusBot, fleet *v1alpha1.ArgusFleet) (int, error) {
	admin, err := r.adminOf(ctx, fleet)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, retireTimeout)
	defer cancel()
	var known fleetapi.Status
	prefix := manifests.IdentityStem(bot)
	err = r.withTokens(ctx, fleet, admin.viewer, func(c *fleetapi.Client) (err error) {
		known, err = c.Status(ctx, prefix)
		return err
	})
	if err != nil {
		return 0, unreachable(err)
	}
	retired := 0
	for i := range known.Clusters {
		identity := known.Clusters[i].Identity
		if _, ours := clusterIndex(identity, prefix); !ours {
			continue
		}
		// By force: its pod is gone, even if its last heartbeat is young.
		if err := admin.retire(ctx, identity, true); err != nil {
			return 0, err
		}
		retired++
	}
	return retired, nil
}

// withTokens makes a call with each token of a list in turn, until one is accepted:
// during a rotation the control plane may know the newest one only in a moment.
func (r *ArgusBotReconciler) withTokens(ctx context.Context, fleet *v1alpha1.ArgusFleet, list []byte, call func(*fleetapi.Client) error) error {
	source := fleetSource(fleet)
	trust, err := trustOf(ctx, r.Client, source)
	if err != nil {
		return err
	}
	err = errors.New("the control plane's Secret holds no such token")
	for token := range strings.SplitSeq(string(list), ",") {
		token = strings.TrimSpace(token)
		if token == "" {
			continue
		}
		var c *fleetapi.Client
		c, err = r.connect(source.URL, fleetapi.ClientOptions{
			Token: func() (string, error) { return token, nil }, TLS: trust, Guarded: true, MaxResponseBytes: maxStatusBytes,
		})
		if err != nil {
			return err
		}
		err = call(c)
		c.Close()
		if !answered(err, http.StatusUnauthorized) {
			return err
		}
	}
	return err
}

func (r *ArgusBotReconciler) connect(url string, options fleetapi.ClientOptions) (*fleetapi.Client, error) {
	if r.Connect != nil {
		return r.Connect(url, options)
	}
	return fleetapi.NewClient(url, options)
}

func answered(err error, code int) bool {
	refused, ok := errors.AsType[*fleetapi.StatusError](err)
	return ok && refused.Code == code
}

// unreachable is what the conditions say of a control plane that cannot be told.
func unreachable(err error) error {
	message := "the control plane cannot be reached"
	if refused, ok := errors.AsType[*fleetapi.StatusError](err); ok {
		message = refused.Error()
	}
	if told, ok := errors.AsType[*askError](err); ok {
		message = told.Error()
	}
	return &hold{reason: v1alpha1.ReasonRetiring, message: "waiting to retire the clusters: " + message}
}

// ownService makes sure that the control plane's address is its own: somebody else's
// Service under the name would be sent its tokens.
func (r *ArgusBotReconciler) ownService(ctx context.Context, fleet *v1alpha1.ArgusFleet) error {
	service := corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: fleet.Namespace, Name: manifests.FleetName(fleet.Name)}}
	err := r.Applier.Read(ctx, &service)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading Service %s: %w", service.Name, err)
	}
	if err != nil || !metav1.IsControlledBy(&service, fleet) {
		return &hold{
			reason: v1alpha1.ReasonFleetNotReady, after: retryMissing,
			message: fmt.Sprintf("ArgusFleet %q has no Service of its own yet", fleet.Name),
		}
	}
	return nil
}
