package controllers

import (
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// hold stops a reconcile for a reason that belongs in a condition. It is not an
// error of the operator: something else has to happen first.
type hold struct {
	reason, message string
	// stalled: a person must act.
	stalled bool
	// after is when to look again, for what no watch reports.
	after time.Duration
}

func (h *hold) Error() string { return h.reason + ": " + h.message }

// How soon to look again at what no watch reports.
const (
	retryConflict = 30 * time.Second
	retryMissing  = 10 * time.Second
	retryDeletion = 2 * time.Second
	retryRace     = 200 * time.Millisecond
)

// holdOf turns an error into what the conditions should say of it, or nil for none.
func holdOf(err error) *hold {
	if err == nil {
		return nil
	}
	if held, ok := errors.AsType[*hold](err); ok {
		return held
	}
	if conflict, ok := errors.AsType[*apply.NameConflictError](err); ok {
		return &hold{reason: v1alpha1.ReasonNameConflict, message: conflict.Error(), stalled: true, after: retryConflict}
	}
	if terminating, ok := errors.AsType[*apply.TerminatingError](err); ok {
		return &hold{reason: v1alpha1.ReasonProgressing, message: terminating.Error(), after: retryDeletion}
	}
	if invalid, ok := errors.AsType[*apply.InvalidError](err); ok {
		return &hold{reason: v1alpha1.ReasonInvalidSpec, message: invalid.Error(), stalled: true}
	}
	if pod, ok := errors.AsType[*manifests.PodError](err); ok {
		return &hold{reason: pod.Reason, message: pod.Error(), stalled: true}
	}
	if quota, ok := exceededQuota(err.Error()); ok && apierrors.IsForbidden(err) {
		return &hold{reason: v1alpha1.ReasonQuotaExceeded, message: "an object cannot be created: " + oneLine(quota), stalled: true, after: retryConflict}
	}
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
		return &hold{reason: v1alpha1.ReasonApplyFailed, message: err.Error(), stalled: true, after: retryConflict}
	}
	// The text of any other error can hold addresses and numbers that change from
	// one try to the next; the log has it.
	return &hold{reason: v1alpha1.ReasonRequestFailed, message: "a request to the API server failed; it is being retried"}
}

// isRetry tells of a failed request, which is no news of the object.
func (h *hold) isRetry() bool { return h != nil && h.reason == v1alpha1.ReasonRequestFailed }

// passing deals with errors that no condition need speak of. Somebody else wrote
// first: the next try sees what is there. Or the namespace is being deleted, and the
// object with it.
func passing(err error) (result reconcile.Result, ok bool) {
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return reconcile.Result{}, true
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return reconcile.Result{RequeueAfter: retryRace}, true
	}
	return reconcile.Result{}, false
}

// again tries later what failed, with back-off and an entry in the log unless it passes.
func again(err error) (reconcile.Result, error) {
	if result, ok := passing(err); ok {
		return result, nil
	}
	return reconcile.Result{}, err
}

// resultOf maps what stopped a reconcile to what controller-runtime should do:
// come back at the poll, come back after a hold, or retry an error with back-off.
func resultOf(err error, poll time.Duration) (reconcile.Result, error) {
	held := holdOf(err)
	switch {
	case held == nil:
		return reconcile.Result{RequeueAfter: poll}, nil
	case held.isRetry():
		return reconcile.Result{}, err
	case held.after == 0 && poll > 0:
		// Only another spec helps, but what runs is looked at meanwhile.
		return reconcile.Result{RequeueAfter: max(poll, retryMissing)}, nil
	default:
		return reconcile.Result{RequeueAfter: held.after}, nil
	}
}
