//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Nobody serves images there, so the kubelet hears so at once.
const missingImage = "127.0.0.1:1/nobody/bot:v1"

// A change goes through three clusters, and then one comes that no node can run. The
// node, the control plane and what kubectl prints are watched throughout.
func TestARolloutGoesClusterByClusterAndStopsAtTheFirstThatFails(t *testing.T) {
	t.Parallel()
	inBotsNamespace(t)
	const name = "roller"
	defer describeIfFailed(t, name)
	seen := watchNode(t, name)
	mustApply(t, botsNamespace, wish{name: name, args: "--guilds=10, --connect-delay=10ms", sharding: "{total: 6, clusters: 3}"}.manifest())
	numbers := numbers(complete(t, botsNamespace, name))
	judge := watchTable(t, &tableWatch{namespace: botsNamespace, name: name, clusters: 3, total: "6", node: seen})
	everyClusterInTurn(t, name, seen)
	theFirstThatFailsIsTheLast(t, name, seen)
	judge()
	if diff := cmp.Diff(numbers, numbersOf(t, botsNamespace, name)); diff != "" {
		t.Errorf("numbers: -before +after\n%s", diff)
	}
}

// describeIfFailed shows a bot as a person would look at it, behind what went wrong.
func describeIfFailed(t *testing.T, name string) {
	t.Helper()
	if t.Failed() {
		t.Logf("kubectl describe argusbot\n%s", must(t, "describe", "argusbot", name, "--namespace", botsNamespace))
	}
}

func numbersOf(t *testing.T, namespace, name string) map[string]int32 {
	t.Helper()
	return numbers(bot(t, namespace, name))
}

// everyClusterInTurn changes the bot to one whose two shards need their time: the gate
// asks for both, and a ready pod comes long before them.
func everyClusterInTurn(t *testing.T, name string, seen *nodeWatch) {
	t.Helper()
	const each = 2500 * time.Millisecond
	before := len(seen.seen())
	seen.least()
	patch(t, botsNamespace, name, `{"args": ["--guilds=20", "--connect-delay=`+each.String()+`"]}`)
	awaitCondition(t, botsNamespace, name, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	time.Sleep(each)
	complete(t, botsNamespace, name)
	starts := seen.seen()[before:]
	if diff := cmp.Diff([]string{name + "-0", name + "-1", name + "-2"}, identitiesOf(starts)); diff != "" {
		t.Fatalf("starts: -want +got\n%s", diff)
	}
	for i := range starts[1:] {
		if wait := starts[i+1].at.Sub(starts[i].at); wait < 2*each-2*glance {
			t.Errorf("%s was started %s after %s, whose shards take %s", starts[i+1].identity, wait, starts[i].identity, 2*each)
		}
	}
	if least := seen.least(); least < 2 {
		t.Errorf("only %d of 3 clusters ran for a while", least)
	}
}

// shortPatience is the least that a rollout may wait for a cluster. A change of it
// restarts nothing.
const shortPatience = `{"rollout": {"timeoutSeconds": 10}}`

// theFirstThatFailsIsTheLast changes the bot to an image that cannot be pulled.
func theFirstThatFailsIsTheLast(t *testing.T, name string, seen *nodeWatch) {
	t.Helper()
	before := seen.processes()
	image := bot(t, botsNamespace, name).Spec.Image
	patch(t, botsNamespace, name, `{"image": "`+missingImage+`", "args": ["--connect-delay=10ms"]}`)
	eventually(t, func() string {
		if reason := bot(t, botsNamespace, name).Status.ClusterStatuses[0].Reason; reason != "ImagePullBackOff" {
			return "the cluster's reason is " + reason
		}
		return ""
	})
	// What it is short of is known now, however long that took.
	patch(t, botsNamespace, name, shortPatience)
	failed := awaitCondition(t, botsNamespace, name, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonRolloutFailed)
	want := "cluster " + name + "-0 did not come to work in time: ImagePullBackOff: image " + missingImage + " cannot be pulled"
	if !strings.HasPrefix(failed.Message, want) {
		t.Errorf("message %q\n   want %q", failed.Message, want)
	}
	awaitCondition(t, botsNamespace, name, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRolloutFailed)
	time.Sleep(2 * time.Second)
	delete(before, name+"-0")
	if diff := cmp.Diff(before, seen.processes(), cmp.AllowUnexported(running{})); diff != "" || len(before) != 2 {
		t.Errorf("the other clusters: -before +after the failure\n%s", diff)
	}

	patch(t, botsNamespace, name, `{"image": "`+image+`", "rollout": {"timeoutSeconds": null}}`)
	complete(t, botsNamespace, name)
	for identity, process := range seen.processes() {
		if strings.Contains(process.commandLine, "guilds") {
			t.Errorf("%s still runs as it did before", identity)
		}
	}
}

// A container that ends by itself is told from an image that is not there.
func TestACrashStopsARolloutAndIsNamed(t *testing.T) {
	t.Parallel()
	inBotsNamespace(t)
	const name = "crasher"
	seen := watchNode(t, name)
	mustApply(t, botsNamespace, wish{name: name, args: "--connect-delay=10ms", sharding: "{total: 2, clusters: 2}"}.manifest())
	complete(t, botsNamespace, name)
	other := seen.processes()[name+"-1"]
	patch(t, botsNamespace, name, `{"args": ["--crash-after=300ms", "--connect-delay=1h"]}`)
	trouble := awaitCondition(t, botsNamespace, name, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPodTrouble)
	patch(t, botsNamespace, name, shortPatience)
	failed := awaitCondition(t, botsNamespace, name, v1alpha1.ConditionRolloutComplete, metav1.ConditionFalse, v1alpha1.ReasonRolloutFailed)
	const want = "CrashLoopBackOff: container bot ended with exit code 1: see kubectl logs --previous"
	for _, message := range []string{trouble.Message, failed.Message} {
		if !strings.Contains(message, name+"-0") || !strings.Contains(message, want) {
			t.Errorf("message %q should name cluster 0, and say %q", message, want)
		}
	}
	if now := seen.processes()[name+"-1"]; now != other {
		t.Errorf("cluster 1 was process %s and is %s", other.pid, now.pid)
	}
	patch(t, botsNamespace, name, `{"args": ["--connect-delay=20ms"], "rollout": {"timeoutSeconds": null}}`)
	complete(t, botsNamespace, name)
}

// What a person does to a bot in a year: restart it, let it sleep, wake it, delete it
// by mistake. Its numbers stay.
func TestNumbersSurviveRestartSleepAndDeletion(t *testing.T) {
	t.Parallel()
	inBotsNamespace(t)
	const name = "sleeper"
	seen := watchNode(t, name)
	wanted := wish{name: name, args: "--connect-delay=10ms", sharding: "{total: 4, clusters: 2}"}.manifest()
	mustApply(t, botsNamespace, wanted)
	before := numbers(complete(t, botsNamespace, name))
	all := []string{name + "-0", name + "-1"}
	inOrder := func(what string, do func()) {
		t.Helper()
		already := len(seen.seen())
		do()
		if diff := cmp.Diff(before, numbers(complete(t, botsNamespace, name))); diff != "" {
			t.Errorf("numbers after %s, -before +after\n%s", what, diff)
		}
		if diff := cmp.Diff(all, identitiesOf(seen.seen()[already:])); diff != "" {
			t.Errorf("starts of %s: -want +got\n%s", what, diff)
		}
	}
	seen.least()
	inOrder("restartedAt", func() { patch(t, botsNamespace, name, `{"rollout": {"restartedAt": "2026-01-02T03:04:05Z"}}`) })
	if least := seen.least(); least < 1 {
		t.Error("restartedAt stopped both clusters at once")
	}
	inOrder("sleep", func() {
		patch(t, botsNamespace, name, `{"hibernate": true}`)
		awaitCondition(t, botsNamespace, name, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonHibernated)
		if awake := seen.processes(); len(awake) > 0 {
			t.Errorf("the bot sleeps, says its status, and %v run", awake)
		}
		t.Logf("asleep\n%s", must(t, "describe", "argusbot", name, "--namespace", botsNamespace))
		patch(t, botsNamespace, name, `{"hibernate": null}`)
	})
	if finalizers := bot(t, botsNamespace, name).Finalizers; len(finalizers) > 0 {
		t.Errorf("a bot whose clusters are kept has the finalizers %v", finalizers)
	}
	inOrder("deletion", func() {
		must(t, "delete", "--namespace", botsNamespace, "argusbot/"+name, "--wait=true", "--timeout="+patience.String())
		mustApply(t, botsNamespace, wanted)
	})
}

// A new layout starts when the last process of the old one has ended, in order.
func TestAReshardNeverRunsAShardTwice(t *testing.T) {
	t.Parallel()
	inBotsNamespace(t)
	const name = "resharder"
	seen := watchNode(t, name)
	mustApply(t, botsNamespace, wish{name: name, args: "--connect-delay=10ms", sharding: "{total: 1, clusters: 1}"}.manifest())
	first := numbers(complete(t, botsNamespace, name))[name+"-0"]
	for _, layout := range []struct {
		sharding, shards string
		order            []string
	}{
		{`{"total": 12, "clusters": 3}`, "12/12", []string{name + "-0", name + "-1", name + "-2"}},
		{`{"total": 16, "clusters": 2}`, "16/16", []string{name + "-0", name + "-1"}},
	} {
		before := len(seen.seen())
		patch(t, botsNamespace, name, `{"sharding": `+layout.sharding+`}`)
		now := complete(t, botsNamespace, name)
		eventually(t, func() string {
			if shown := bot(t, botsNamespace, name).Status.Display.Shards; shown != layout.shards {
				return "the bot shows shards " + shown + ", want " + layout.shards
			}
			return ""
		})
		if diff := cmp.Diff(layout.order, identitiesOf(seen.seen()[before:])); diff != "" {
			t.Errorf("starts: -want +got\n%s", diff)
		}
		if number := numbers(now)[name+"-0"]; number != first {
			t.Errorf("cluster 0 has become number %d, and was %d", number, first)
		}
	}
	plane := asks(t, botsNamespace)
	eventually(t, func() string {
		status, err := plane.Status(t.Context(), name+"-")
		if err != nil {
			return err.Error()
		}
		if len(status.Clusters) != 2 {
			return fmt.Sprintf("the control plane still knows %d clusters, want the 2 of the new layout", len(status.Clusters))
		}
		return ""
	})
	if starts := seen.seen(); !slices.ContainsFunc(starts, func(s sighting) bool { return s.identity == name+"-1" && s.shards == "8,9,10,11,12,13,14,15" }) {
		t.Errorf("cluster 1 never ran the last eight shards: %v", starts)
	}
}
