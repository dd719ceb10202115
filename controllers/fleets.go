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
	// Prefix of the identities that it wants to hear of; "" is all, and all of them.
	Prefix string
	// AwaitsValues has it hear also of values that have merely arrived anew.
	AwaitsValues bool
}

// who is the asker without what it wants.
func (a Asker) who() Asker { return Asker{Kind: a.Kind, NamespacedName: a.NamespacedName} }

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
	// Err is why the last read failed, and FailingSince when the first of those did that have
	// failed in a row. Its text is stable and fit for a condition.
	Err          error
	FailingSince time.Time

	// byIdentity finds the clusters of Status; nil where nobody has sorted them.
	byIdentity map[string]*fleetapi.ClusterStatus
}

// Cluster is what the answer tells of an identity, or nil.
func (a *FleetAnswer) Cluster(identity string) *fleetapi.ClusterStatus {
	if a.byIdentity != nil || a.Status == nil {
		return a.byIdentity[identity]
	}
	for i := range a.Status.Clusters {
		if a.Status.Clusters[i].Identity == identity {
			return &a.Status.Clusters[i]
		}
	}
	return nil
}

// sort lets Cluster find what it looks for at once.
func (a *FleetAnswer) sort() {
	if a.Status == nil {
		return
	}
	a.byIdentity = make(map[string]*fleetapi.ClusterStatus, len(a.Status.Clusters))
	for i := range a.Status.Clusters {
		a.byIdentity[a.Status.Clusters[i].Identity] = &a.Status.Clusters[i]
	}
}

// Fleets tells how the clusters of control planes are. It returns what is known at
// once: a control plane that does not answer holds up nobody else's reconcile.
type Fleets interface {
	// Answer returns what is known of source and has it read anew once in an interval,
	// the shortest of all askers'. The asker is reconciled when what it wants to hear of
	// changes. It has to ask again within leastInquiry, or inquiryIntervals if that is longer.
	Answer(source FleetSource, interval time.Duration, asker Asker) FleetAnswer
}
