package controllers

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

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
	if len(message) > maxMessage {
		message = message[:maxMessage-3] + "..."
	}
	meta.SetStatusCondition(&c.list, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: c.generation,
	})
}

func (c *conditions) remove(kind string) { meta.RemoveStatusCondition(&c.list, kind) }

// summarise sets Ready, and Reconciling or Stalled, which exist only while true.
func (c *conditions) summarise(ready readiness) {
	c.remove(v1alpha1.ConditionReconciling)
	c.remove(v1alpha1.ConditionStalled)
	if ready.ok {
		c.set(v1alpha1.ConditionReady, metav1.ConditionTrue, ready.reason, ready.message)
		return
	}
	c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, ready.reason, ready.message)
	if ready.stalled {
		c.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, ready.reason, ready.message)
	} else {
		c.set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, ready.reason, ready.message)
	}
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
