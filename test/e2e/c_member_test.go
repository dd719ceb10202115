//go:build e2e

package e2e

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// oldMember is a bot whose library reads no token file, as argus-dpy 0.4.2.
const oldMember = "old"

func startOldMember(t *testing.T) {
	t.Helper()
	inBotsNamespace(t)
	mustApply(t, botsNamespace, wish{name: oldMember, args: "--no-token-files", sharding: "{total: 1, clusters: 1}"}.manifest())
}

// Two minutes of silence are explained by TestAMemberThatNeverRegistersIsExplained,
// which runs later.
func TestAMemberThatReadsNoFileIsWaitedFor(t *testing.T) {
	startOldMember(t)
	awaitCondition(t, botsNamespace, oldMember, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	waits := awaitCondition(t, botsNamespace, oldMember, v1alpha1.ConditionFleetJoined, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	if !strings.Contains(waits.Message, oldMember+"-0") {
		t.Errorf("message %q does not name the cluster", waits.Message)
	}
}
