//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func TestABotPodComesBackUnderTheSameNumber(t *testing.T) {
	before := numbers(joined(t))
	old := onlyPod(t, mainNamespace, cluster0Pods)
	must(t, "delete", "pod", "--namespace", mainNamespace, old.Name, "--wait=true")
	eventually(t, func() string {
		if pod := onlyPod(t, mainNamespace, cluster0Pods); pod.UID == old.UID {
			return "the pod has not been replaced"
		}
		return ""
	})
	waitReady(t, mainNamespace, "argusbot/mybot")
	if diff := cmp.Diff(before, numbers(joined(t))); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}

func TestNumbersSurviveTheControlPlanesPod(t *testing.T) {
	before := numbers(joined(t))
	if before["mybot-0"] == 0 || before["mybot-1"] == 0 {
		t.Fatalf("the clusters have no numbers yet: %v", before)
	}
	old := onlyPod(t, mainNamespace, fleetPods)
	must(t, "delete", "pod", "--namespace", mainNamespace, old.Name, "--grace-period=0", "--force")
	eventually(t, func() string {
		if pod := onlyPod(t, mainNamespace, fleetPods); pod.UID == old.UID {
			return "the pod has not been replaced"
		}
		return ""
	})
	waitReady(t, mainNamespace, "argusfleet/main")
	must(t, "wait", "--namespace", mainNamespace, "--for=condition=Reachable", "--timeout="+patience.String(), "argusfleet/main")
	eventually(t, func() string {
		bot := get(t, mainNamespace, "mybot", &v1alpha1.ArgusBot{})
		for _, cluster := range bot.Status.ClusterStatuses {
			if cluster.Up == nil || !*cluster.Up {
				return cluster.ID + " is not up again"
			}
		}
		return cmp.Diff(before, numbers(bot))
	})
}

// What a restart of the node leaves of its pods is what the API server has: every
// process is gone, with the sandboxes and the addresses, and kubelet starts them again.
func TestNumbersSurviveARestartOfTheNodesPods(t *testing.T) {
	before := numbers(joined(t))
	pods := append(podsOf(t, mainNamespace, botPods), podsOf(t, mainNamespace, fleetPods)...)
	if len(pods) != 3 {
		t.Fatalf("%d pods run, want two of the bot and the control plane's", len(pods))
	}
	for _, pod := range pods {
		endProcesses(t, pod)
	}
	for _, old := range pods {
		eventually(t, func() string {
			pod := get(t, mainNamespace, old.Name, &corev1.Pod{})
			if pod.UID != old.UID || len(pod.Status.ContainerStatuses) != 1 {
				t.Fatalf("pod %s was replaced", old.Name)
			}
			if container := pod.Status.ContainerStatuses[0]; container.RestartCount <= old.Status.ContainerStatuses[0].RestartCount || !container.Ready {
				return "pod " + old.Name + " has not come back"
			}
			return ""
		})
	}
	waitReady(t, mainNamespace, "argusfleet/main", "argusbot/mybot")
	if diff := cmp.Diff(before, numbers(joined(t))); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}

// endProcesses kills every process of a pod, that of its sandbox last.
func endProcesses(t *testing.T, pod corev1.Pod) {
	t.Helper()
	var sandbox []int
	for _, process := range allProcesses(t) {
		if !strings.Contains(process.cgroups, "pod"+string(pod.UID)) {
			continue
		}
		pid, err := strconv.Atoi(strings.Fields(process.name)[0])
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(process.commandLine, "/pause") {
			sandbox = append(sandbox, pid)
			continue
		}
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	if len(sandbox) != 1 {
		t.Fatalf("pod %s has the sandbox processes %v", pod.Name, sandbox)
	}
	if err := syscall.Kill(sandbox[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestAnEditByHandIsHealed(t *testing.T) {
	must(t, "set", "env", "--namespace", mainNamespace, "deployment/mybot-bot-0", "ARGUS_CLUSTER_ID=somebody-else")
	must(t, "scale", "--namespace", mainNamespace, "deployment/mybot-bot-1", "--replicas=0")
	eventually(t, func() string {
		zero := get(t, mainNamespace, "mybot-bot-0", &appsv1.Deployment{})
		one := get(t, mainNamespace, "mybot-bot-1", &appsv1.Deployment{})
		switch {
		case zero.Spec.Template.Spec.Containers[0].Env[0].Value != "mybot-0":
			return "the identity of cluster 0 is not healed"
		case *one.Spec.Replicas != 1:
			return "the replicas of cluster 1 are not healed"
		}
		return ""
	})
	waitReady(t, mainNamespace, "argusbot/mybot")
	joined(t)
}

func TestARolloutRestartIsNotUndone(t *testing.T) {
	old := onlyPod(t, mainNamespace, cluster0Pods)
	must(t, "rollout", "restart", "--namespace", mainNamespace, "deployment/mybot-bot-0")
	must(t, "rollout", "status", "--namespace", mainNamespace, "deployment/mybot-bot-0", "--timeout="+patience.String())
	restarted := onlyPod(t, mainNamespace, cluster0Pods)
	if restarted.UID == old.UID {
		t.Fatal("the pod was not restarted")
	}
	waitReady(t, mainNamespace, "argusbot/mybot")
	joined(t)
	time.Sleep(5 * time.Second) // the operator looks every three
	const annotation = "kubectl.kubernetes.io/restartedAt"
	live := get(t, mainNamespace, "mybot-bot-0", &appsv1.Deployment{})
	if live.Spec.Template.Annotations[annotation] == "" || onlyPod(t, mainNamespace, cluster0Pods).UID != restarted.UID {
		t.Error("the restart was undone")
	}
}

// The API server's own audit log tells what the operator writes while nothing
// changes: its lease, and nothing else.
func TestAQuietClusterIsNotWrittenTo(t *testing.T) {
	joined(t)
	stage.Quiet(t, stage.Settle(t), 10*time.Second)
}
