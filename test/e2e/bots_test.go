//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// botsNamespace holds a fleet that the tests of single bots share.
const botsNamespace = "e2e-bots"

// A fleet whose members beat every second. The tests read it more often than people do.
const quickFleet = `
apiVersion: argus.dev/v1alpha1
kind: ArgusFleet
metadata: {name: main}
spec: {heartbeatIntervalSeconds: 1, ttlFactor: 5, limits: {readBurst: 10000}}
`

var makeBotsNamespace sync.Once

// inBotsNamespace makes the namespace and its fleet, once.
func inBotsNamespace(t *testing.T) {
	t.Helper()
	makeBotsNamespace.Do(func() {
		namespace(t, botsNamespace)
		mustApply(t, botsNamespace, quickFleet)
	})
	waitReady(t, botsNamespace, "argusfleet/main")
}

// wish is a bot that a test wants.
type wish struct {
	name, args, sharding string
	// fleet, discord, rollout and more are further fields, as YAML.
	fleet, discord, rollout, more string
}

// manifest is the bot, and a token of its own, so that no other test spends its
// session starts.
func (w wish) manifest() string {
	const form = `
apiVersion: v1
kind: Secret
metadata: {name: token-%[1]s}
stringData: {token: "%[6]s"}
---
apiVersion: argus.dev/v1alpha1
kind: ArgusBot
metadata: {name: %[1]s}
spec:
  image: ghcr.io/argus-dev/argus-bot:%[2]s
  args: [%[3]s]
  fleet: {ref: {name: main}%[5]s}
  discord: {tokenSecretRef: {name: token-%[1]s, key: token}, maxConcurrency: 16%[7]s}
  sharding: %[4]s
  rollout: {minReadySeconds: 1%[8]s}
  terminationGracePeriodSeconds: 5
%[9]s
`
	comma := func(fields string) string {
		if fields == "" {
			return ""
		}
		return ", " + fields
	}
	return fmt.Sprintf(form, w.name, version, w.args, w.sharding, comma(w.fleet), w.token(), comma(w.discord), comma(w.rollout), w.pod())
}

// pod keeps room on a small node for the bots of all tests.
func (w wish) pod() string {
	const small = "  pod: {resources: {requests: {cpu: 5m, memory: 16Mi}}"
	return small + w.more + "}"
}

// token that the bot signs in with.
func (w wish) token() string { return "made-up-token-of-" + w.name }

// patch changes a bot's spec.
func patch(t *testing.T, namespace, name, spec string) {
	t.Helper()
	must(t, "patch", "argusbot/"+name, "--namespace", namespace, "--type=merge", "--patch", `{"spec": `+spec+`}`)
}

func bot(t *testing.T, namespace, name string) *v1alpha1.ArgusBot {
	t.Helper()
	return get(t, namespace, name, &v1alpha1.ArgusBot{})
}

// awaitCondition waits until a bot says so of the spec that it has now.
func awaitCondition(t *testing.T, namespace, name, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	var found metav1.Condition
	eventually(t, func() string {
		now := bot(t, namespace, name)
		found = ptr.Deref(meta.FindStatusCondition(now.Status.Conditions, kind), metav1.Condition{})
		if found.Status != status || found.Reason != reason || found.ObservedGeneration != now.Generation {
			return fmt.Sprintf("%s of %s is %s/%s: %s, want %s/%s", kind, name, found.Status, found.Reason, found.Message, status, reason)
		}
		return ""
	})
	return found
}

// complete waits until a change has come to its end, and every cluster beats.
func complete(t *testing.T, namespace, name string) *v1alpha1.ArgusBot {
	t.Helper()
	awaitCondition(t, namespace, name, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, v1alpha1.ReasonComplete)
	awaitCondition(t, namespace, name, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	awaitCondition(t, namespace, name, v1alpha1.ConditionFleetJoined, metav1.ConditionTrue, v1alpha1.ReasonJoined)
	return bot(t, namespace, name)
}

// asks is a client of a namespace's control plane, with the token of viewers.
func asks(t *testing.T, namespace string) *fleetapi.Client {
	t.Helper()
	token := get(t, namespace, "main-fleet-viewer", &corev1.Secret{}).Data["token"]
	plane := onlyPod(t, namespace, fleetPods)
	client, err := fleetapi.NewClient("http://"+plane.Status.PodIP+":9190", fleetapi.ClientOptions{
		Token: func() (string, error) { return string(token), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func mustJSON(t *testing.T, object any) []byte {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
