package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// concurrency is how many objects of a kind are reconciled at once.
const concurrency = 4

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
	// Metrics counts.
	Metrics *Metrics
	// Options shape the objects.
	Options manifests.Options
	// Now is the clock.
	Now func() time.Time
}

// writeStatus writes the status of object if it differs from that of before, and
// then tells of the transitions. statusOf picks status and conditions.
func writeStatus[T client.Object](ctx context.Context, b *Base, kind string, before, object T, statusOf func(T) (any, []metav1.Condition)) error {
	old, oldConditions := statusOf(before)
	now, conditions := statusOf(object)
	if equality.Semantic.DeepEqual(old, now) {
		return nil
	}
	err := b.Client.Status().Patch(ctx, object, client.MergeFrom(before))
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
