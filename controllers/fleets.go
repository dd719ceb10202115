package controllers

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// FleetSource is a control plane, the part of it that is of interest, and the
// Secret that opens it.
type FleetSource struct {
	URL       string
	Namespace string
	Viewer    v1alpha1.SecretKeyRef
	// Prefix of the identities to read; "" reads all, which all bots of an
	// ArgusFleet then share.
	Prefix string
}

// Asker is an object that wants to know when an answer changes.
type Asker struct {
	Kind string
	types.NamespacedName
}

// FleetAnswer is what is known of a control plane.
type FleetAnswer struct {
	// Asked: a read has ended, well or badly.
	Asked bool
	// Status is the last read's, if it ended well.
	Status *fleetapi.Status
	// Err is why the last read failed. Its text is stable and fit for a condition.
	Err error
}

// Fleets tells how the clusters of control planes are. It returns what is known at
// once: a control plane that does not answer holds up nobody else's reconcile.
type Fleets interface {
	// Answer returns what is known of source and has it read again when the last
	// read is older than interval. The asker is reconciled when the answer changes.
	Answer(source FleetSource, interval time.Duration, asker Asker) FleetAnswer
}
