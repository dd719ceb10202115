package controllers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestAvailable(t *testing.T) {
	for sentence, tc := range map[string]struct {
		status appsv1.DeploymentStatus
		want   bool
	}{
		"its pod is ready": {
			appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}, true,
		},
		"the status speaks of an older spec": {
			appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}, false,
		},
		"the available pod is of an older template": {
			appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, AvailableReplicas: 1}, false,
		},
		"an old pod still runs beside the new one": {
			appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 1}, false,
		},
		"nothing has been reported": {appsv1.DeploymentStatus{}, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: 2}, Status: tc.status}
			if got := available(deployment); got != tc.want {
				t.Errorf("available = %v, want %v", got, tc.want)
			}
		})
	}
	if available(nil) {
		t.Error("a Deployment that does not exist is available")
	}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func ended(code int32, reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message}}
}

func podWith(status corev1.ContainerStatus) corev1.Pod {
	status.Name, status.Image = "bot", "x/bot:v1"
	return corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{status}}}
}

func TestTroubleOf(t *testing.T) {
	unschedulable := corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available",
	}}}}
	refused := func(message string) appsv1.Deployment {
		return appsv1.Deployment{Status: appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: message,
		}}}}
	}
	leaving := podWith(corev1.ContainerStatus{State: ended(1, "Error", "")})
	leaving.DeletionTimestamp = ptr.To(metav1.Now())

	for sentence, tc := range map[string]struct {
		deployment appsv1.Deployment
		pods       []corev1.Pod
		foreign    bool
		want       string
	}{
		"no pod yet":            {},
		"a pod that is created": {pods: []corev1.Pod{podWith(corev1.ContainerStatus{State: waiting("ContainerCreating", "")})}},
		"a pod that runs": {pods: []corev1.Pod{podWith(corev1.ContainerStatus{
			Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, LastTerminationState: ended(1, "Error", "before"),
		})}},
		"a pod that is leaving": {pods: []corev1.Pod{leaving}},
		"a quota": {
			deployment: refused(`pods "main-fleet-7d9c-x2x5k" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=3, limited: cpu=3`),
			want:       "QuotaExceeded: no pod can be created: exceeded quota: compute, requested: cpu=1; raise the quota, or ask for less",
		},
		"a pod that a namespace does not admit": {
			deployment: refused(`pods "main-fleet-7d9c-x2x5k" is forbidden: violates PodSecurity "restricted:latest": hostPort`),
			want:       `FailedCreate: no pod can be created: violates PodSecurity "restricted:latest": hostPort`,
		},
		"no node": {pods: []corev1.Pod{unschedulable}, want: "Unschedulable: the pod cannot be scheduled: 0/1 nodes are available"},
		"the first failed pull": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{State: waiting("ErrImagePull", "dial tcp 10.0.0.1: i/o timeout")})},
			want: "ImagePullBackOff: image x/bot:v1 cannot be pulled",
		},
		"later failed pulls say the same": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{State: waiting("ImagePullBackOff", "back-off 5m0s")})},
			want: "ImagePullBackOff: image x/bot:v1 cannot be pulled",
		},
		"a crash loop": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{State: waiting("CrashLoopBackOff", "back-off 10s"), LastTerminationState: ended(2, "Error", "first\nlast words\n")})},
			want: "CrashLoopBackOff: container bot ended with exit code 2: last words",
		},
		"a crash that has just happened says the same": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{State: ended(2, "Error", "first\nlast words\n")})},
			want: "CrashLoopBackOff: container bot ended with exit code 2: last words",
		},
		"the program runs once more": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, LastTerminationState: ended(2, "Error", "first\nlast words\n"),
			})},
			want: "CrashLoopBackOff: container bot ended with exit code 2: last words",
		},
		"a bot's last words may hold its token": {
			pods:    []corev1.Pod{podWith(corev1.ContainerStatus{State: ended(1, "Error", "401: improper token MTA5.abc.def")})},
			foreign: true,
			want:    "CrashLoopBackOff: container bot ended with exit code 1: see kubectl logs --previous",
		},
		"so may a sidecar's": {
			pods: []corev1.Pod{{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
				{Name: "bot", Ready: true}, {Name: "shipper", State: ended(1, "Error", "password=hunter2")},
			}}}},
			want: "CrashLoopBackOff: container shipper ended with exit code 1: see kubectl logs --previous",
		},
		"a bot that never answers its probe": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, LastTerminationState: ended(137, "Error", "waiting..."),
			})},
			foreign: true,
			want:    "CrashLoopBackOff: container bot ended with exit code 137: it was killed, as a container is that does not answer /healthz on its port",
		},
		"out of memory": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{State: waiting("CrashLoopBackOff", ""), LastTerminationState: ended(137, "OOMKilled", "")})},
			want: "CrashLoopBackOff: container bot ended with exit code 137: it used more memory than pod.resources.limits.memory",
		},
		"a missing key": {
			pods: []corev1.Pod{podWith(corev1.ContainerStatus{State: waiting("CreateContainerConfigError", `couldn't find key "x"`)})},
			want: `CreateContainerConfigError: couldn't find key "x"`,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := ""
			quoted := "bot"
			if tc.foreign {
				quoted = ""
			}
			if found := troubleOf(&tc.deployment, tc.pods, quoted); found != nil {
				got = found.String()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestOneLineIsBoundedAndWhole(t *testing.T) {
	long := oneLine("first\n" + strings.Repeat("ä", 400))
	if len(long) > maxLine || strings.ContainsRune(long, '\uFFFD') || !strings.HasSuffix(long, "ä...") {
		t.Errorf("a long line became %d bytes: %q", len(long), long)
	}
}
