//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Three starts of three shards bring a limit of 17 so near that the kubelet's next one
// would pass the line at nine tenths of it.
const smallLimit = 17

// settings of the looper, which its container reads at each start: a cause that is not
// in the spec. One that crashes has no shard up before, or it would count as working on
// a machine that sees its end late.
func settings(crashAfter, connectDelay string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: looper-settings}
data: {BOT_CRASH_AFTER: %s, BOT_CONNECT_DELAY: %s}
`, crashAfter, connectDelay)
}

// A real kubelet restarts what crashes, and the operator stops it before the token is
// spent. What the ledger holds is compared with the processes that were seen on the
// node, to the last session.
func TestACrashLoopIsStoppedBeforeTheTokenIsSpent(t *testing.T) {
	t.Parallel()
	inBotsNamespace(t)
	const name = "looper"
	seen := watchNode(t, name)
	wanted := wish{
		name: name, sharding: "{total: 5, perCluster: [3, 2]}",
		discord: fmt.Sprintf("identifyLimit: %d", smallLimit), more: ", envFrom: [{configMapRef: {name: looper-settings}}]",
	}.manifest()
	mustApply(t, botsNamespace, settings("0s", "10ms"))
	mustApply(t, botsNamespace, wanted)
	complete(t, botsNamespace, name)
	other := seen.processes()[name+"-1"]

	mustApply(t, botsNamespace, settings("500ms", "1h"))
	patch(t, botsNamespace, name, `{"rollout": {"restartedAt": "2026-01-02T03:04:05Z"}}`)
	stalled := awaitCondition(t, botsNamespace, name, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCrashLoopProtected)
	if !strings.HasPrefix(stalled.Message, name+"-0 ") || !strings.Contains(stalled.Message, v1alpha1.AnnotationResetCrashLoop) {
		t.Errorf("message %q should name cluster 0 alone, and the way out", stalled.Message)
	}
	awaitCondition(t, botsNamespace, name, v1alpha1.ConditionIdentifyBudget, metav1.ConditionFalse, v1alpha1.ReasonCrashLoopProtected)
	eventually(t, func() string {
		if _, runs := seen.processes()[name+"-0"]; runs || len(podsOf(t, botsNamespace, "argus.dev/bot="+name+",argus.dev/cluster=0")) > 0 {
			return "the stopped cluster still runs"
		}
		return ""
	})
	t.Logf("protected\n%s", must(t, "describe", "argusbot", name, "--namespace", botsNamespace))
	spentAsSeen(t, name, seen, smallLimit)
	if seen.processes()[name+"-1"] != other {
		t.Error("the other cluster was restarted")
	}

	patch(t, botsNamespace, name, `{"discord": {"identifyLimit": 100}}`)
	mustApply(t, botsNamespace, settings("0s", "10ms"))
	time.Sleep(2 * time.Second)
	if _, runs := seen.processes()[name+"-0"]; runs {
		t.Error("the cluster started although nobody has released it")
	}
	must(t, "annotate", "argusbot/"+name, "--namespace", botsNamespace, v1alpha1.AnnotationResetCrashLoop+"=monday")
	complete(t, botsNamespace, name)
	spentAsSeen(t, name, seen, 100)

	must(t, "delete", "--namespace", botsNamespace, "argusbot/"+name, "--wait=true", "--timeout="+patience.String())
	mustApply(t, botsNamespace, strings.Replace(wanted, "identifyLimit: 17", "identifyLimit: 100", 1))
	complete(t, botsNamespace, name)
	spentAsSeen(t, name, seen, 100)
}

// spentAsSeen waits until a bot's status tells of as many session starts as were seen.
func spentAsSeen(t *testing.T, name string, seen *nodeWatch, limit int) {
	t.Helper()
	eventually(t, func() string {
		want := fmt.Sprintf("%d/%d", seen.sessions(), limit)
		if display := bot(t, botsNamespace, name).Status.Display.Identifies; display != want {
			return "the status tells of " + display + " session starts, and " + want + " were seen"
		}
		return ""
	})
	if spent := seen.sessions(); spent > limit {
		t.Errorf("%d sessions were started, of %d", spent, limit)
	}
}
