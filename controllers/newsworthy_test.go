package controllers

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// changed is one step in an object's life, and whether it is news.
type changed[T client.Object] struct {
	before, now func(T)
	want        bool
}

func judges[T client.Object](t *testing.T, let predicate.Predicate, fresh func() T, cases map[string]changed[T]) {
	t.Helper()
	for sentence, tc := range cases {
		t.Run(sentence, func(t *testing.T) {
			now := fresh()
			tc.now(now)
			if tc.before == nil {
				if got := let.Create(event.CreateEvent{Object: now}); got != tc.want {
					t.Errorf("a new one is news: %v, want %v", got, tc.want)
				}
				return
			}
			before := fresh()
			tc.before(before)
			if got := let.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: now}); got != tc.want {
				t.Errorf("it is news: %v, want %v", got, tc.want)
			}
		})
	}
	if !let.Delete(event.DeleteEvent{Object: fresh()}) {
		t.Error("that it is gone is no news")
	}
}

func TestOnlyWhatALookSeesOfAPodIsNews(t *testing.T) {
	container := func(status corev1.ContainerStatus) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Status.ContainerStatuses = []corev1.ContainerStatus{status} }
	}
	condition := func(kind corev1.PodConditionType, status corev1.ConditionStatus, reason string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: kind, Status: status, Reason: reason}}
		}
	}
	plain := func(*corev1.Pod) {}
	judges(t, newsworthy(seenOfPod), func() *corev1.Pod { return &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}} },
		map[string]changed[*corev1.Pod]{
			"a new one":               {nil, plain, false},
			"a new one that runs":     {nil, container(corev1.ContainerStatus{Ready: true}), true},
			"one that has ended":      {nil, func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, true},
			"a node for it":           {plain, func(p *corev1.Pod) { p.Spec.NodeName = "n"; condition(corev1.PodScheduled, "True", "")(p) }, false},
			"no node for it":          {plain, condition(corev1.PodScheduled, "False", "Unschedulable"), true},
			"its address":             {plain, func(p *corev1.Pod) { p.Status.PodIP = "10.0.0.1" }, false},
			"ready":                   {plain, condition(corev1.PodReady, "True", ""), true},
			"a restart":               {container(corev1.ContainerStatus{}), container(corev1.ContainerStatus{RestartCount: 1}), true},
			"it leaves":               {plain, func(p *corev1.Pod) { p.DeletionTimestamp = ptr.To(metav1.Now()) }, true},
			"it is of another bot":    {plain, func(p *corev1.Pod) { p.Labels = map[string]string{"a": "b"} }, true},
			"it was replaced unseen":  {plain, func(p *corev1.Pod) { p.UID = "other" }, true},
			"an annotation of ours":   {plain, func(p *corev1.Pod) { p.Annotations = map[string]string{"a": "b"} }, true},
			"nothing":                 {container(corev1.ContainerStatus{Ready: true}), container(corev1.ContainerStatus{Ready: true}), false},
			"its init container runs": {plain, func(p *corev1.Pod) { p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Ready: true}} }, true},
		})
}

func TestOnlyWhatALookSeesOfADeploymentIsNews(t *testing.T) {
	status := func(status appsv1.DeploymentStatus) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) { d.Status = status }
	}
	plain := func(*appsv1.Deployment) {}
	judges(t, newsworthy(seenOfDeployment), func() *appsv1.Deployment { return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: 1}} },
		map[string]changed[*appsv1.Deployment]{
			"a new one":          {nil, plain, false},
			"one that runs":      {nil, status(appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1}), true},
			"it was noticed":     {plain, status(appsv1.DeploymentStatus{ObservedGeneration: 1}), false},
			"its pod is there":   {plain, status(appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1}), true},
			"it is available":    {plain, status(appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}), true},
			"its pod is refused": {plain, status(appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue}}}), true},
			"another spec":       {plain, func(d *appsv1.Deployment) { d.Generation = 2 }, true},
			"its controller's note": {plain, func(d *appsv1.Deployment) {
				d.Annotations = map[string]string{"deployment.kubernetes.io/revision": "1"}
			}, false},
			"an annotation changed by hand": {plain, func(d *appsv1.Deployment) { d.Annotations = map[string]string{"a": "b"} }, true},
			"another owner":                 {plain, func(d *appsv1.Deployment) { d.OwnerReferences = []metav1.OwnerReference{{UID: "other"}} }, true},
		})
}
