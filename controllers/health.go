package controllers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// available tells whether a Deployment's one pod runs and is ready, of the
// template that the Deployment has now.
func available(deployment *appsv1.Deployment) bool {
	return deployment != nil && updated(deployment) && deployment.Status.AvailableReplicas == 1
}

// updated tells whether a Deployment's one pod is of the newest template. A status
// that lags behind the spec counts as none.
func updated(deployment *appsv1.Deployment) bool {
	status := deployment.Status
	return status.ObservedGeneration >= deployment.Generation && status.Replicas == 1 && status.UpdatedReplicas == 1
}

// trouble is why a pod cannot run: reason is one word, message a sentence. container
// and exitCode tell of a container that has ended.
type trouble struct {
	reason, message string
	container       string
	exitCode        int32
}

// troubleOf finds what keeps a Deployment's pod from running, or nil. Messages hold
// no pod name and no count, so that they stay the same from one look to the next.
// What a program printed is quoted only if it is ours, which runs in the container of
// the name quoted, or in none: the last line of a bot that cannot sign in may well hold
// its token, and so may that of a sidecar.
func troubleOf(deployment *appsv1.Deployment, pods []corev1.Pod, quoted string) *trouble {
	for _, condition := range deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
			return creationTrouble(condition)
		}
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	for i := range pods {
		if !pods[i].DeletionTimestamp.IsZero() {
			continue
		}
		if found := podTrouble(&pods[i], quoted); found != nil {
			return found
		}
	}
	return nil
}

// String is reason and message, or "" for none.
func (t *trouble) String() string {
	if t == nil {
		return ""
	}
	return t.reason + ": " + t.message
}

// summary is the reason that Ready gives.
func (t *trouble) summary() string {
	if t.reason == v1alpha1.ReasonQuotaExceeded {
		return t.reason
	}
	return v1alpha1.ReasonPodTrouble
}

// creationTrouble says why the API server refuses the pod. Its name, which is another
// one at each try, and the use of a quota, which changes, are left out.
func creationTrouble(condition appsv1.DeploymentCondition) *trouble {
	text := oneLine(condition.Message)
	if _, reason, ok := strings.Cut(text, " is forbidden: "); ok {
		text = reason
	}
	if quota, ok := exceededQuota(text); ok {
		return &trouble{reason: v1alpha1.ReasonQuotaExceeded, message: "no pod can be created: " + quota}
	}
	return &trouble{reason: condition.Reason, message: "no pod can be created: " + text}
}

// exceededQuota names a quota and what was asked of it, without how much of it is used.
func exceededQuota(text string) (string, bool) {
	_, details, ok := strings.Cut(text, "exceeded quota: ")
	if !ok {
		return "", false
	}
	details, _, _ = strings.Cut(details, ", used: ")
	return "exceeded quota: " + details + "; raise the quota, or ask for less", true
}

// unschedulable says why no node takes the pod, or is nil.
func unschedulable(pod *corev1.Pod) *trouble {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return &trouble{reason: condition.Reason, message: "the pod cannot be scheduled: " + oneLine(condition.Message)}
		}
	}
	return nil
}

func podTrouble(pod *corev1.Pod, quoted string) *trouble {
	if found := unschedulable(pod); found != nil {
		return found
	}
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if found := containerTrouble(status, status.Name == quoted); found != nil {
			return found
		}
	}
	return nil
}

func containerTrouble(status corev1.ContainerStatus, quote bool) *trouble {
	waiting := ptr.Deref(status.State.Waiting, corev1.ContainerStateWaiting{}).Reason
	switch waiting {
	case "ErrImagePull", "ImagePullBackOff":
		return &trouble{reason: "ImagePullBackOff", message: fmt.Sprintf("image %s cannot be pulled", status.Image)}
	case "ContainerCreating", "PodInitializing":
		return nil
	case "", "CrashLoopBackOff":
		return crash(status, quote)
	}
	return &trouble{reason: waiting, message: oneLine(status.State.Waiting.Message)}
}

// crash tells how a container ended that is not ready again. It says the same while
// the container waits, and while it runs once more.
func crash(status corev1.ContainerStatus, quote bool) *trouble {
	ended := cmp.Or(status.State.Terminated, status.LastTerminationState.Terminated)
	if ended == nil || status.Ready {
		return nil
	}
	return &trouble{
		reason:    "CrashLoopBackOff",
		message:   fmt.Sprintf("container %s ended with exit code %d%s", status.Name, ended.ExitCode, lastWords(ended, quote)),
		container: status.Name, exitCode: ended.ExitCode,
	}
}

// exitKilled is how a process ends that is killed: by its liveness or startup probe,
// if not for its memory.
const exitKilled = 128 + 9

// lastWords explains an end.
func lastWords(ended *corev1.ContainerStateTerminated, quote bool) string {
	text := oneLine(ended.Message)
	switch {
	case ended.Reason == "OOMKilled":
		return ": it used more memory than pod.resources.limits.memory"
	case quote && text != "":
		return ": " + text
	case ended.ExitCode == exitKilled:
		return ": it was killed, as a container is that does not answer /healthz on its port"
	}
	return ": see kubectl logs --previous"
}

// maxLine bounds what a message quotes, in bytes.
const maxLine = 256

// oneLine is the last line of a text, bounded.
func oneLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return bounded(strings.TrimSpace(lines[len(lines)-1]), maxLine)
}

// bounded cuts a text to a number of bytes, between two characters.
func bounded(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const more = "..."
	return strings.ToValidUTF8(text[:most-len(more)], "") + more
}
