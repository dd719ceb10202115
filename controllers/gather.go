package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// gathering is how long the news of a bot's objects and pods are gathered. A start
// is a burst of them, and each look at the bot may cost the API server a status.
const gathering = time.Second

// gathered enqueues what another handler does, some time later: what else is reported
// until then is the same reconcile.
type gathered struct {
	handler.EventHandler
	after time.Duration
}

// Create implements handler.EventHandler.
func (g gathered) Create(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	g.EventHandler.Create(ctx, e, g.later(q))
}

// Update implements handler.EventHandler.
func (g gathered) Update(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	g.EventHandler.Update(ctx, e, g.later(q))
}

// Delete implements handler.EventHandler.
func (g gathered) Delete(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	g.EventHandler.Delete(ctx, e, g.later(q))
}

// Generic implements handler.EventHandler.
func (g gathered) Generic(ctx context.Context, e event.GenericEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	g.EventHandler.Generic(ctx, e, g.later(q))
}

// later puts off what is added to a queue. What is due sooner stays so.
func (g gathered) later(q workqueue.TypedRateLimitingInterface[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	if prioritised, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok && g.after > 0 {
		return patientQueue{prioritised, g.after}
	}
	return q
}

// patientQueue is the queue of a controller, to which all is added for later.
type patientQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	after time.Duration
}

// Add implements workqueue.TypedInterface.
func (q patientQueue) Add(item reconcile.Request) { q.AddAfter(item, q.after) }

// AddWithOpts implements priorityqueue.PriorityQueue.
func (q patientQueue) AddWithOpts(options priorityqueue.AddOpts, items ...reconcile.Request) {
	options.After = max(options.After, q.after)
	q.PriorityQueue.AddWithOpts(options, items...)
}
