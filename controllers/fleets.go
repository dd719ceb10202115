package controllers

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// FleetSource is a control plane, the part of it that is of interest, and the
// Secret that opens it.
type FleetSource struct {
	URL       string
	Namespace string
	Viewer    v1alpha1.SecretKeyRef
	// CA that an https control plane is verified by; zero means the public authorities.
	CA Authority
	// Prefix of the identities to read; "" reads all, which all bots of an
	// ArgusFleet then share.
	Prefix string
	// WithTokens reads which tokens are accepted, too, and the viewer token itself anew
	// each time: for the while of a rotation.
	WithTokens bool
}

// Authority names the certificates in PEM that a control plane is verified by.
type Authority struct {
	Kind      v1alpha1.CAKind
	Name, Key string
}

// authorityOf is a reference as a value; nil is the public authorities.
func authorityOf(ca *v1alpha1.CARef) Authority {
	if ca == nil {
		return Authority{}
	}
	return Authority{Kind: ptr.Deref(ca.Kind, v1alpha1.CAInSecret), Name: ca.Name, Key: ca.Key}
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
	// At is when the last read began.
	At time.Time
	// Status is the last read's, if it ended well.
	Status *fleetapi.Status
	// Tokens that the control plane accepts, if it was asked for them and told.
	Tokens *fleetapi.Tokens
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
