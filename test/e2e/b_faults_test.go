//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"

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
	time.Sleep(5 * time.Second) // five rounds of the operator
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
	time.Sleep(3 * time.Second) // events of what came before are sent in the background
	before := operatorWrites(t)
	time.Sleep(10 * time.Second)
	after := operatorWrites(t)
	if len(before) == 0 {
		t.Fatal("the audit log shows no write of the operator at all, so this test sees nothing")
	}
	if len(after) > len(before) {
		t.Errorf("writes to a quiet cluster:\n%s", strings.Join(after[len(before):], "\n"))
	}
}

func operatorWrites(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(kube.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	var writes []string
	for line := range strings.Lines(string(content)) {
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			ObjectRef        struct{ Resource string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			continue // the last line may be half written
		}
		if strings.HasPrefix(event.User.Username, "system:serviceaccount:argus-system:") && event.ObjectRef.Resource != "leases" {
			writes = append(writes, event.Verb+" "+event.RequestURI)
		}
	}
	return writes
}
