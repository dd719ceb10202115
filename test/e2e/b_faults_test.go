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
	before := operatorWrites(t)
	// Events of what came before are sent in the background.
	eventually(t, func() string {
		last := len(before)
		time.Sleep(4 * time.Second)
		if before = operatorWrites(t); len(before) > last {
			return "the operator is still writing"
		}
		return ""
	})
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

// A new shard layout starts when the last process of the old one has ended. The
// node is watched throughout for two processes of one shard.
func TestAReshardNeverRunsAShardTwice(t *testing.T) {
	joined(t)
	stop, watched := make(chan struct{}), make(chan string)
	go watchShards(t, stop, watched)
	must(t, "patch", "argusbot/mybot", "--namespace", mainNamespace, "--type=merge", "--patch", `{"spec": {"sharding": {"total": 6, "clusters": 3}}}`)
	eventually(t, func() string {
		if shards := get(t, mainNamespace, "mybot", &v1alpha1.ArgusBot{}).Status.Display.Shards; shards != "6/6" {
			return "the bot shows shards " + shards
		}
		return ""
	})
	must(t, "patch", "argusbot/mybot", "--namespace", mainNamespace, "--type=merge", "--patch", `{"spec": {"sharding": {"total": 5, "clusters": 2}}}`)
	eventually(t, func() string {
		if shards := get(t, mainNamespace, "mybot", &v1alpha1.ArgusBot{}).Status.Display.Shards; shards != "5/5" {
			return "the bot shows shards " + shards
		}
		return ""
	})
	waitReady(t, mainNamespace, "argusbot/mybot")
	close(stop)
	if problem := <-watched; problem != "" {
		t.Error(problem)
	}
}

// watchShards looks at the bots' processes until it is told to stop, and says what
// it saw that must not be, or that it saw too little.
func watchShards(t *testing.T, stop <-chan struct{}, result chan<- string) {
	t.Helper()
	problem := ""
	layouts := map[string]bool{}
	for {
		select {
		case <-stop:
			if problem == "" && len(layouts) < 2 {
				problem = "the watch saw only one shard layout"
			}
			result <- problem
			return
		case <-time.After(50 * time.Millisecond):
		}
		holders := map[string]string{}
		for _, process := range allProcesses(t) {
			ids, count, ok := shardsOf(process)
			if !ok {
				continue
			}
			layouts[count] = true
			for id := range strings.SplitSeq(ids, ",") {
				if other, taken := holders[id]; taken && problem == "" {
					problem = "shard " + id + " runs in " + other + " and in " + process.name + " of " + count
				}
				holders[id] = process.name + " of " + count
			}
		}
	}
}

// shardsOf reads a running bot's shards from its environment.
func shardsOf(p process) (ids, count string, ok bool) {
	if !strings.HasPrefix(p.commandLine, "/argus-bot") {
		return "", "", false
	}
	for variable := range strings.SplitSeq(p.environment, "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case "SHARD_IDS":
			ids = value
		case "SHARD_COUNT":
			count = value
		}
	}
	return ids, count, ids != "" && count != ""
}
