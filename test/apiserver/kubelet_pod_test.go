//go:build apiserver

package apiserver

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/internal/manifests"
)

// played is one pod and its process.
type played struct {
	pod      *corev1.Pod
	cluster  string
	owner    types.UID
	template string
	made     time.Time
	// running since, of the process that runs, or zero; ended is when the last one did.
	running, ended, readySince time.Time
	restarts                   int
	// leaving since it was deleted; byHand: not by what plays here.
	leaving time.Time
	byHand  bool
}

func (p *played) image() string { return p.pod.Spec.Containers[0].Image }

// shards that the pod runs, as bot code reads them, and of how many.
func (p *played) shards() (list []string, total string) {
	return strings.Split(p.variable("SHARD_IDS"), ","), p.variable("SHARD_COUNT")
}

func (p *played) variable(name string) string {
	for _, variable := range p.pod.Spec.Containers[0].Env {
		if variable.Name == name {
			return variable.Value
		}
	}
	return ""
}

// notice sees which pods somebody else has deleted. One that was not given the time to end
// is gone, and its process with it.
func (k *kubelet) notice(pods []corev1.Pod) {
	stands := map[types.UID]bool{}
	for i := range pods {
		stands[pods[i].UID] = true
	}
	k.pods = slices.DeleteFunc(k.pods, func(pod *played) bool { return !stands[pod.pod.UID] })
	for i := range pods {
		for _, pod := range k.pods {
			if pod.pod.UID == pods[i].UID && pods[i].DeletionTimestamp != nil && pod.leaving.IsZero() {
				pod.leaving, pod.byHand = time.Now(), true
			}
		}
	}
}

// remove deletes a pod, whose process then has time to end.
func (k *kubelet) remove(ctx context.Context, pod *played) error {
	if !pod.leaving.IsZero() {
		return nil
	}
	pod.leaving = time.Now()
	return client.IgnoreNotFound(admin.Delete(ctx, pod.pod.DeepCopy()))
}

// run takes the pod's life one step further.
func (k *kubelet) run(ctx context.Context, pod *played) error {
	b, now := k.script(pod.cluster, pod.image()), time.Now()
	if !pod.leaving.IsZero() && now.Sub(pod.leaving) >= b.stopsAfter {
		k.pods = slices.DeleteFunc(k.pods, func(other *played) bool { return other == pod })
		return client.IgnoreNotFound(admin.Delete(ctx, pod.pod.DeepCopy(), client.GracePeriodSeconds(0)))
	}
	k.advance(pod, b, now)
	ready := !pod.running.IsZero() && !b.neverReady && now.Sub(pod.running) >= b.readyAfter
	switch {
	case !ready:
		pod.readySince = time.Time{}
	case pod.readySince.IsZero():
		pod.readySince = now
	}
	return k.reportPod(ctx, pod)
}

// advance starts the pod's process, or has it crash, when its time has come.
func (k *kubelet) advance(pod *played, b behaviour, now time.Time) {
	switch {
	case pod.running.IsZero() && pod.leaving.IsZero():
		if now.Sub(cmp.Or(pod.ended, pod.made)) >= b.pause(pod) {
			k.startProcess(pod, now)
		}
	case !pod.running.IsZero() && b.crashesAfter > 0 && now.Sub(pod.running) >= b.crashesAfter:
		pod.ended, pod.running = now, time.Time{}
	}
}

// pause before the next process of the pod.
func (b behaviour) pause(pod *played) time.Duration {
	if pod.ended.IsZero() {
		return b.startsAfter
	}
	return b.backOff
}

// startProcess is the moment at which two processes of one cluster would meet.
func (k *kubelet) startProcess(pod *played, now time.Time) {
	shards, total := pod.shards()
	for _, other := range k.pods {
		if other == pod || other.running.IsZero() || other.byHand || botOf(other) != botOf(pod) {
			continue
		}
		theirs, theirTotal := other.shards()
		switch {
		case other.cluster == pod.cluster:
			k.breaks("two processes of %s run at a time: %s and %s", pod.cluster, other.pod.Name, pod.pod.Name)
		case total != theirTotal:
			k.breaks("%s runs shards of %s while %s runs shards of %s", pod.pod.Name, total, other.pod.Name, theirTotal)
		case slices.ContainsFunc(shards, func(id string) bool { return slices.Contains(theirs, id) }):
			k.breaks("%s and %s run the same shard", pod.pod.Name, other.pod.Name)
		}
	}
	if !pod.ended.IsZero() {
		pod.restarts++
	}
	pod.running = now
	k.starts = append(k.starts, started{cluster: pod.cluster, image: pod.image(), shards: len(shards), at: now})
}

func botOf(pod *played) string { return pod.pod.Labels["argus.dev/bot"] }

// reportPod writes the pod's status if it has changed.
func (k *kubelet) reportPod(ctx context.Context, pod *played) error {
	status := corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{pod.containerStatus()}}
	if !pod.running.IsZero() || !pod.ended.IsZero() {
		status.Phase = corev1.PodRunning
	}
	if equality.Semantic.DeepEqual(pod.pod.Status.ContainerStatuses, status.ContainerStatuses) {
		return nil
	}
	before := pod.pod.DeepCopy()
	pod.pod.Status.Phase, pod.pod.Status.ContainerStatuses = status.Phase, status.ContainerStatuses
	pod.pod.Status.Conditions = []corev1.PodCondition{pod.readiness()}
	err := admin.Status().Patch(ctx, pod.pod, client.MergeFrom(before))
	pod.pod.Status.ContainerStatuses = status.ContainerStatuses // to the nanosecond, so that it compares
	return client.IgnoreNotFound(err)
}

func (p *played) readiness() corev1.PodCondition {
	if p.readySince.IsZero() {
		return corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady"}
	}
	return corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(p.readySince)}
}

func (p *played) containerStatus() corev1.ContainerStatus {
	status := corev1.ContainerStatus{
		Name: manifests.BotContainer, Image: p.image(), RestartCount: int32(p.restarts), Ready: !p.readySince.IsZero(),
	}
	if !p.ended.IsZero() {
		status.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: 1, Reason: "Error", StartedAt: metav1.NewTime(p.ended), FinishedAt: metav1.NewTime(p.ended),
		}
	}
	switch {
	case !p.running.IsZero():
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(p.running)}
	case !p.ended.IsZero():
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off " + strconv.Itoa(p.restarts)}
	default:
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	}
	return status
}
