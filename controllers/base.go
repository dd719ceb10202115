package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// concurrency is how many objects of a kind are reconciled at once: a reconcile mostly
// waits for the API server, one request after the other.
const concurrency = 16

// Base is what both reconcilers work with.
type Base struct {
	// Client reads through the cache, except Secrets, which are never cached.
	Client client.Client
	// Applier writes objects.
	Applier *apply.Applier
	// Fleets tells how control planes' clusters are.
	Fleets Fleets
	// Kinds tells which of the kinds that a cluster may lack are there.
	Kinds *OptionalKinds
	// Events records transitions.
	Events events.EventRecorder
	// Options shape the objects.
	Options manifests.Options
	// Now is the clock.
	Now func() time.Time
}

// writeStatus writes the status of object if it differs from that of before, and
// then tells of the transitions. statusOf picks status and conditions. It fails with a
// conflict where somebody has written the object since: what was found of an older spec
// is not worth telling. A patch would have the API server take the object apart and put
// it together again, which costs it half as much again.
func writeStatus[T client.Object](ctx context.Context, b *Base, kind string, before, object T, statusOf func(T) (any, []metav1.Condition)) error {
	old, oldConditions := statusOf(before)
	now, conditions := statusOf(object)
	if equality.Semantic.DeepEqual(old, now) {
		return nil
	}
	object.SetManagedFields(nil) // which it would have to read and not to heed
	err := b.Client.Status().Update(ctx, object)
	if apierrors.IsNotFound(err) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	b.Applier.NoteWrite(kind, "status", object)
	recordTransitions(b.Events, runtime.Object(object), oldConditions, conditions)
	return nil
}

// deploymentOf is a fleet's own Deployment as it is, or nil.
func (b *Base) deploymentOf(ctx context.Context, fleet *v1alpha1.ArgusFleet) (*appsv1.Deployment, error) {
	live := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: fleet.Namespace, Name: manifests.FleetName(fleet.Name)}}
	err := b.Applier.Read(ctx, live)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading Deployment %s: %w", live.Name, err)
	}
	if err != nil || !metav1.IsControlledBy(live, fleet) {
		live = nil
	}
	return live, nil
}

// fleetOf is the ArgusFleet that a bot names, as it runs. The error is the API server's
// NotFound where there is none.
func (b *Base) fleetOf(ctx context.Context, bot *v1alpha1.ArgusBot) (*v1alpha1.ArgusFleet, error) {
	name := bot.Spec.Fleet.Ref.Name
	fleet := &v1alpha1.ArgusFleet{}
	if err := b.Client.Get(ctx, client.ObjectKey{Namespace: bot.Namespace, Name: name}, fleet); err != nil {
		return nil, fmt.Errorf("reading ArgusFleet %s: %w", name, err)
	}
	running, err := b.deploymentOf(ctx, fleet)
	if err != nil {
		return nil, err
	}
	return manifests.FleetAsRun(fleet, running), nil
}
