package controllers

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// newsworthy lets through those events of an object in which a look at its owner could
// see something else than before. seen is what such a look sees; of an object that is
// new, it is compared with that of an empty one. A start has several steps that nobody
// looks for: that its pod was made, and got a node, and that the Deployment made a note.
func newsworthy[T client.Object](seen func(T) any) predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool {
			object, ok := e.Object.(T)
			return !ok || seen(object) != nil
		},
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, was := e.ObjectOld.(T)
			now, is := e.ObjectNew.(T)
			return !was || !is || !equality.Semantic.DeepEqual(seen(before), seen(now)) || !sameIdentity(before, now)
		},
	}
}

// sameIdentity tells whether what is not in a status is what it was. A spec counts by its
// generation; the deployment controller's note counts for nothing.
func sameIdentity(before, now client.Object) bool {
	const note = "deployment.kubernetes.io/revision"
	annotations := func(object client.Object) map[string]string {
		kept := maps.Clone(object.GetAnnotations())
		delete(kept, note)
		return kept
	}
	return before.GetGeneration() == now.GetGeneration() && before.GetUID() == now.GetUID() &&
		before.GetDeletionTimestamp().Equal(now.GetDeletionTimestamp()) &&
		maps.Equal(before.GetLabels(), now.GetLabels()) && maps.Equal(annotations(before), annotations(now)) &&
		equality.Semantic.DeepEqual(before.GetOwnerReferences(), now.GetOwnerReferences())
}

// podSeen is what a look sees of a pod: that it runs, is ready, or cannot. Its fields are
// exported, so that they can be compared.
type podSeen struct {
	Phase            corev1.PodPhase
	Ready            bool
	Unschedulable    string
	Init, Containers []corev1.ContainerStatus
}

// seenOfPod is nil for a pod that only waits to be started.
func seenOfPod(pod *corev1.Pod) any {
	seen := podSeen{
		Phase: pod.Status.Phase, Ready: isReady(*pod), Unschedulable: unschedulable(pod).String(),
		Init: pod.Status.InitContainerStatuses, Containers: pod.Status.ContainerStatuses,
	}
	waits := seen.Phase == corev1.PodPending || seen.Phase == ""
	if waits && !seen.Ready && seen.Unschedulable == "" && len(seen.Init)+len(seen.Containers) == 0 {
		return nil
	}
	return seen
}

// deploymentSeen is what a look sees of a Deployment's status.
type deploymentSeen struct {
	Updated, Available bool
	Failure            string
}

// seenOfDeployment is nil for one whose pod has not been made.
func seenOfDeployment(deployment *appsv1.Deployment) any {
	seen := deploymentSeen{Updated: updated(deployment), Available: available(deployment), Failure: troubleOf(deployment, nil, "").String()}
	if seen == (deploymentSeen{}) {
		return nil
	}
	return seen
}
