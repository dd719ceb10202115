package controllers

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// maxMessage bounds a condition's message, in bytes.
const maxMessage = 1024

// conditions is a status's list while it is being derived.
type conditions struct {
	list       []metav1.Condition
	generation int64
}

func newConditions(old []metav1.Condition, generation int64) *conditions {
	return &conditions{list: slices.Clone(old), generation: generation}
}

// set puts a condition in place; its transition time moves only when its status does.
func (c *conditions) set(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.list, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: bounded(message, maxMessage), ObservedGeneration: c.generation,
	})
}

// current tells whether a condition speaks of the spec as it is now.
func (c *conditions) current(kind string) bool {
	known := meta.FindStatusCondition(c.list, kind)
	return known != nil && known.ObservedGeneration == c.generation
}

func (c *conditions) remove(kind string) { meta.RemoveStatusCondition(&c.list, kind) }

// summarise sets Ready, and Reconciling or Stalled, which exist only while true.
func (c *conditions) summarise(ready readiness) {
	status := metav1.ConditionFalse
	if ready.ok {
		status = metav1.ConditionTrue
	}
	c.set(v1alpha1.ConditionReady, status, ready.reason, ready.message)
	c.only(v1alpha1.ConditionStalled, !ready.ok && ready.stalled, ready)
	c.only(v1alpha1.ConditionReconciling, !ready.ok && !ready.stalled, ready)
}

// only sets a condition that exists while it is true, or removes it. One that stays
// true is not touched, so that its transition time tells since when.
func (c *conditions) only(kind string, present bool, ready readiness) {
	if present {
		c.set(kind, metav1.ConditionTrue, ready.reason, ready.message)
	} else {
		c.remove(kind)
	}
}

// retrying says that a request to the API server failed, and leaves what is known
// as it was: a failed read is no news of the object.
func (c *conditions) retrying(held *hold) {
	known := meta.FindStatusCondition(c.list, v1alpha1.ConditionReady)
	if known == nil || known.ObservedGeneration != c.generation {
		c.set(v1alpha1.ConditionReady, metav1.ConditionUnknown, held.reason, held.message)
	}
	c.set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, held.reason, held.message)
}

// sorted is the list in a stable order.
func (c *conditions) sorted() []metav1.Condition {
	slices.SortFunc(c.list, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
	return c.list
}

// readiness is the summary of an object.
type readiness struct {
	ok              bool
	reason, message string
	stalled         bool
}

func (h *hold) readiness() readiness {
	return readiness{reason: h.reason, message: h.message, stalled: h.stalled}
}
