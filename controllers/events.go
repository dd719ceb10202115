package controllers

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// maxNote is the longest note that the API server accepts in an event, in bytes.
const maxNote = 1024

// recordTransitions tells of each condition whose status or reason changed.
// Reconciling and Stalled repeat what Ready says, and are left out.
func recordTransitions(recorder events.EventRecorder, object runtime.Object, before, after []metav1.Condition) {
	ready := meta.FindStatusCondition(after, v1alpha1.ConditionReady)
	toldByReady := ready != nil && isNews(before, *ready)
	for _, now := range after {
		if now.Type == v1alpha1.ConditionReconciling || now.Type == v1alpha1.ConditionStalled {
			continue
		}
		if !isNews(before, now) || toldByReady && repeats(before, now, *ready) {
			continue
		}
		kind := corev1.EventTypeNormal
		if now.Status != metav1.ConditionTrue && !expected(now.Reason) {
			kind = corev1.EventTypeWarning
		}
		note := bounded(fmt.Sprintf("%s is %s: %s", now.Type, now.Status, now.Message), maxNote)
		// The action tells conditions apart: events that are alike in it and in the
		// reason are counted as one series, of which only the first note is kept.
		recorder.Eventf(object, nil, kind, now.Reason, now.Type, "%s", note)
	}
}

// isNews tells whether a condition has come to something else than before.
func isNews(before []metav1.Condition, now metav1.Condition) bool {
	was := meta.FindStatusCondition(before, now.Type)
	if was == nil {
		return !noNews(now)
	}
	return was.Status != now.Status || was.Reason != now.Reason
}

// repeats tells of a rollout that begins, ends or fails with what Ready says at the same time,
// of clusters that arrive in the control plane when the last of them is Ready, and of a
// control plane that is not asked for the reason that Ready gives.
func repeats(before []metav1.Condition, now, ready metav1.Condition) bool {
	switch now.Type {
	case v1alpha1.ConditionRolloutComplete:
		return now.Status == ready.Status && (now.Reason == ready.Reason || now.Reason == v1alpha1.ReasonComplete)
	case v1alpha1.ConditionFleetJoined:
		if now.Status == metav1.ConditionUnknown {
			return now.Reason == ready.Reason && now.Message == ready.Message
		}
		was := meta.FindStatusCondition(before, now.Type)
		return now.Status == metav1.ConditionTrue && ready.Status == metav1.ConditionTrue && was != nil && expected(was.Reason)
	}
	return false
}

// noNews tells of what the first status of an object says of itself that is as it should
// be, and no transition. That it is Ready is news all the same.
func noNews(first metav1.Condition) bool {
	return expected(first.Reason) || first.Status == metav1.ConditionTrue && first.Type != v1alpha1.ConditionReady
}

// expected reasons are on the way to where the object should be.
func expected(reason string) bool {
	switch reason {
	case v1alpha1.ReasonProgressing, v1alpha1.ReasonClaimPending, v1alpha1.ReasonWaiting, v1alpha1.ReasonFleetNotReady,
		v1alpha1.ReasonNoAddress, v1alpha1.ReasonSuspended, v1alpha1.ReasonResharding, v1alpha1.ReasonHibernated:
		return true
	}
	return false
}
