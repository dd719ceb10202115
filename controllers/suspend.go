package controllers

import (
	"fmt"

	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// suspension is how much of the work on an object rests.
func suspension(mode *v1alpha1.SuspendMode) v1alpha1.SuspendMode {
	return ptr.Deref(mode, v1alpha1.SuspendNone)
}

// restsAll tells whether nothing but the status is to be written.
func restsAll(mode *v1alpha1.SuspendMode) bool { return suspension(mode) == v1alpha1.SuspendAll }

// restsRollouts tells whether what runs is to stay as it is.
func restsRollouts(mode *v1alpha1.SuspendMode) bool { return suspension(mode) != v1alpha1.SuspendNone }

// mention says in the summary that the operator's work rests. It changes nothing else:
// Ready tells the truth of what runs.
func (r readiness) mention(mode *v1alpha1.SuspendMode) readiness {
	if restsRollouts(mode) {
		r.message = fmt.Sprintf("suspended (spec.suspend: %s): %s", *mode, r.message)
	}
	return r
}
