package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// containerEnded is a pod of which one container has ended.
func containerEnded(name string, code int32, words string) corev1.Pod {
	return corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
		{Name: name, Image: "x/y:v1", LastTerminationState: ended(code, "Error", words)},
	}}}
}

// Ready names what ails the control plane's pod, and tells who has to act.
func TestWhatReadySaysOfAControlPlane(t *testing.T) {
	runs := appsv1.DeploymentStatus{Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}
	overQuota := appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate",
		Message: `pods "x" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=3, limited: cpu=3`,
	}}}
	const locked = "another process holds /data/argus-fleet-state.db"
	type said struct {
		OK, Stalled     bool
		Reason, Message string
	}
	for sentence, tc := range map[string]struct {
		status appsv1.DeploymentStatus
		pods   []corev1.Pod
		behind bool
		held   *hold
		want   said
	}{
		"it runs":   {status: runs, want: said{OK: true, Reason: v1alpha1.ReasonAvailable, Message: "the control plane is running"}},
		"it starts": {want: said{Reason: v1alpha1.ReasonProgressing, Message: "the control plane's pod is starting"}},
		"it runs as it was, and not as the spec says": {
			status: runs, behind: true,
			want: said{Reason: v1alpha1.ReasonSuspended, Message: "the control plane stays as it was, and the spec asks for another"},
		},
		"something stops the operator": {
			status: runs, held: &hold{reason: v1alpha1.ReasonNameConflict, message: "m", stalled: true},
			want: said{Stalled: true, Reason: v1alpha1.ReasonNameConflict, Message: "m"},
		},
		"another process holds the state": {
			pods: []corev1.Pod{containerEnded("fleet", fleetapi.ExitStateLocked, locked)},
			want: said{Stalled: true, Reason: v1alpha1.ReasonStateLocked, Message: "container fleet ended with exit code 75: " + locked},
		},
		"a sidecar that ends with the same code says nothing of the state": {
			pods: []corev1.Pod{containerEnded("shipper", fleetapi.ExitStateLocked, "a secret")},
			want: said{
				Reason:  v1alpha1.ReasonPodTrouble,
				Message: "CrashLoopBackOff: container shipper ended with exit code 75: see kubectl logs --previous",
			},
		},
		"its last words are ours": {
			pods: []corev1.Pod{containerEnded("fleet", 1, "the disk is full")},
			want: said{Reason: v1alpha1.ReasonPodTrouble, Message: "CrashLoopBackOff: container fleet ended with exit code 1: the disk is full"},
		},
		"a quota refuses the pod": {
			status: overQuota,
			want: said{
				Reason:  v1alpha1.ReasonQuotaExceeded,
				Message: "QuotaExceeded: no pod can be created: exceeded quota: compute, requested: cpu=1; raise the quota, or ask for less",
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := &fleetScope{fleet: fleetNamed("main"), deployment: &appsv1.Deployment{Status: tc.status}, stands: !tc.behind, pods: tc.pods}
			got := fleetReadiness(s, tc.held)
			if diff := cmp.Diff(tc.want, said{got.ok, got.stalled, got.reason, got.message}); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
