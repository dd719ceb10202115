package controllers

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

func terminatingNamespace() error {
	err := apierrors.NewForbidden(schema.GroupResource{Resource: "deployments"}, "x", errors.New("namespace is being terminated"))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	return err
}

// overQuota is a claim that a quota refuses while others use so many.
func overQuota(used int) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "persistentvolumeclaims"}, "main-fleet-state",
		fmt.Errorf("exceeded quota: claims, requested: persistentvolumeclaims=1, used: persistentvolumeclaims=%d, limited: persistentvolumeclaims=1", used))
}

// Each error has one of three outcomes: come back at the poll, come back after a
// hold that a condition explains, or be retried with back-off.
func TestOutcomes(t *testing.T) {
	const poll = 15 * time.Second
	conflict := &apply.NameConflictError{Kind: "Secret", Name: "x"}
	refused := errors.New("connection refused by 10.0.0.1:6443")
	for sentence, tc := range map[string]struct {
		err     error
		reason  string
		stalled bool
		after   time.Duration
		retried bool
	}{
		"all went well":        {after: poll},
		"a name is taken":      {err: fmt.Errorf("applying: %w", conflict), reason: v1alpha1.ReasonNameConflict, stalled: true, after: retryConflict},
		"one of several fails": {err: errors.Join(errors.New("other"), conflict), reason: v1alpha1.ReasonNameConflict, stalled: true, after: retryConflict},
		"an object is still being deleted": {
			err: &apply.TerminatingError{Kind: "Deployment", Name: "x"}, reason: v1alpha1.ReasonProgressing, after: retryDeletion,
		},
		"something is missing": {
			err:    &hold{reason: v1alpha1.ReasonSecretMissing, message: "m", stalled: true, after: retryMissing},
			reason: v1alpha1.ReasonSecretMissing, stalled: true, after: retryMissing,
		},
		"the API server refuses an object": {
			err:    fmt.Errorf("applying: %w", apierrors.NewInvalid(schema.GroupKind{Kind: "Deployment"}, "x", nil)),
			reason: v1alpha1.ReasonApplyFailed, stalled: true, after: retryConflict,
		},
		"a pod that is not to be": {
			err: &manifests.PodError{Reason: v1alpha1.ReasonInvalidPod, Field: "spec.pod.patch", Message: "m"}, reason: v1alpha1.ReasonInvalidPod, stalled: true, after: poll,
		},
		"a quota refuses an object": {
			err:    fmt.Errorf("creating: %w", overQuota(1)),
			reason: v1alpha1.ReasonQuotaExceeded, stalled: true, after: retryConflict,
		},
		"the API server cannot be reached": {err: refused, reason: v1alpha1.ReasonRequestFailed, retried: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			held := holdOf(tc.err)
			switch {
			case tc.reason == "" && held != nil:
				t.Fatalf("held: %v", held)
			case tc.reason != "" && (held == nil || held.reason != tc.reason || held.stalled != tc.stalled):
				t.Fatalf("held is %+v, want %s, stalled %v", held, tc.reason, tc.stalled)
			}
			result, err := resultOf(tc.err, poll)
			if diff := cmp.Diff(tc.after, result.RequeueAfter); diff != "" || (err != nil) != tc.retried {
				t.Errorf("result %+v and error %v, want after %s and retried %v", result, err, tc.after, tc.retried)
			}
		})
	}
	if one, other := holdOf(overQuota(1)).message, holdOf(overQuota(2)).message; one != other {
		t.Errorf("the condition shows %q and then %q, although only what others use has changed", one, other)
	}
	if message := holdOf(refused).message; message == refused.Error() {
		t.Errorf("the condition shows %q, whose address differs from one try to the next", message)
	}
}

func TestErrorsThatNoConditionSpeaksOf(t *testing.T) {
	for sentence, tc := range map[string]struct {
		err   error
		ok    bool
		after time.Duration
	}{
		"somebody wrote first":           {fmt.Errorf("applying: %w", apierrors.NewConflict(schema.GroupResource{}, "x", nil)), true, retryRace},
		"somebody created first":         {apierrors.NewAlreadyExists(schema.GroupResource{}, "x"), true, retryRace},
		"the namespace is being deleted": {terminatingNamespace(), true, 0},
		"anything else":                  {errors.New("refused"), false, 0},
		"all went well":                  {nil, false, 0},
	} {
		if result, ok := passing(tc.err); ok != tc.ok || result.RequeueAfter != tc.after {
			t.Errorf("%s: passing %v after %s, want %v after %s", sentence, ok, result.RequeueAfter, tc.ok, tc.after)
		}
	}
}
