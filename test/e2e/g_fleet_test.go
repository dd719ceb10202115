//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Bots do not depend on the control plane: while there is none, a ready pod has to do.
func TestAChangeGoesOnWithoutItsControlPlane(t *testing.T) {
	t.Parallel()
	const alone, name = "e2e-alone", "lonely"
	namespace(t, alone)
	mustApply(t, alone, quickFleet)
	seen := watchNode(t, name)
	mustApply(t, alone, wish{name: name, args: "--connect-delay=10ms", sharding: "{total: 2, clusters: 2}"}.manifest())
	before := numbers(complete(t, alone, name))

	must(t, "patch", "argusfleet/main", "--namespace", alone, "--type=merge", `--patch={"spec": {"suspend": "All"}}`)
	must(t, "scale", "--namespace", alone, "deployment/main-fleet", "--replicas=0")
	awaitCondition(t, alone, name, v1alpha1.ConditionFleetJoined, metav1.ConditionUnknown, v1alpha1.ReasonUnreachable)
	awaitCondition(t, alone, name, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	seen.least()
	patch(t, alone, name, `{"args": ["--connect-delay=20ms"]}`)
	eventually(t, func() string { // the condition says so for the seconds only that the change takes
		const want = "RolloutComplete is False: the control plane cannot be asked, as FleetJoined says, so a ready pod counts as working"
		told := must(t, "get", "events", "--namespace", alone, "--field-selector=reason="+v1alpha1.ReasonGateFallback, "--output=jsonpath={.items[*].message}")
		if !strings.HasPrefix(told, want) {
			return fmt.Sprintf("events of %s: %q, want %q", v1alpha1.ReasonGateFallback, told, want)
		}
		return ""
	})
	t.Logf("without its control plane\n%s", must(t, "describe", "argusbot", name, "--namespace", alone))
	awaitCondition(t, alone, name, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, v1alpha1.ReasonComplete)
	if least := seen.least(); least < 1 {
		t.Error("both clusters were down at once")
	}
	for identity, process := range seen.processes() {
		if !strings.Contains(process.commandLine, "20ms") {
			t.Errorf("%s still runs as it did before", identity)
		}
	}

	must(t, "patch", "argusfleet/main", "--namespace", alone, "--type=merge", `--patch={"spec": {"suspend": null}}`)
	if diff := cmp.Diff(before, numbers(complete(t, alone, name))); diff != "" {
		t.Errorf("numbers: -before +after\n%s", diff)
	}
}

// A fleet that retires the clusters of deleted bots forgets them, but for their numbers.
func TestADeletedBotIsRetiredAndComesBackUnderItsNumbers(t *testing.T) {
	t.Parallel()
	const retire, name = "e2e-retire", "leaver"
	namespace(t, retire)
	mustApply(t, retire, strings.Replace(quickFleet, "spec: {", "spec: {onDelete: Retire, ", 1))
	stays := wish{name: "stayer", args: "--connect-delay=10ms", sharding: "{total: 1, clusters: 1}"}
	wanted := wish{name: name, args: "--connect-delay=10ms", sharding: "{total: 2, clusters: 2}"}
	mustApply(t, retire, stays.manifest()+"---"+wanted.manifest())
	before := numbers(complete(t, retire, name))
	complete(t, retire, stays.name)
	plane := asks(t, retire)
	known := func() (identities []string) {
		t.Helper()
		status, err := plane.Status(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, cluster := range status.Clusters {
			identities = append(identities, cluster.Identity)
		}
		return identities
	}
	if len(known()) != 3 {
		t.Fatalf("the control plane knows %v", known())
	}
	must(t, "delete", "--namespace", retire, "argusbot/"+name, "--wait=true", "--timeout="+patience.String())
	if diff := cmp.Diff([]string{"stayer-0"}, known()); diff != "" {
		t.Errorf("known after the deletion: -want +got\n%s", diff)
	}
	mustApply(t, retire, wanted.manifest())
	if diff := cmp.Diff(before, numbers(complete(t, retire, name))); diff != "" {
		t.Errorf("numbers: -before +after\n%s", diff)
	}
}

// The member of TestAMemberThatReadsNoFileIsWaitedFor has been silent for two minutes.
func TestAMemberThatNeverRegistersIsExplained(t *testing.T) {
	t.Parallel()
	startOldMember(t)
	never := awaitCondition(t, botsNamespace, oldMember, v1alpha1.ConditionFleetJoined, metav1.ConditionFalse, v1alpha1.ReasonNeverRegistered)
	if !strings.HasPrefix(never.Message, oldMember+"-0 runs but has never registered") || !strings.Contains(never.Message, "delivery: Env") {
		t.Errorf("message %q should name the cluster, and say what to do", never.Message)
	}
	awaitCondition(t, botsNamespace, oldMember, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	t.Logf("never registered\n%s", must(t, "describe", "argusbot", oldMember, "--namespace", botsNamespace))
	patch(t, botsNamespace, oldMember, `{"fleet": {"delivery": "Env"}}`)
	complete(t, botsNamespace, oldMember)
}
