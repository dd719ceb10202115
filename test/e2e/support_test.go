//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const (
	// mainNamespace holds the scenario's fleet `main` and bot `mybot`.
	mainNamespace = "e2e"
	patience      = 2 * time.Minute
	tick          = 250 * time.Millisecond
)

// eventually waits until check returns "", or fails the test with what it says.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	var problem string
	for time.Now().Before(deadline) {
		if problem = check(); problem == "" {
			return
		}
		time.Sleep(tick)
	}
	t.Fatalf("still after %s: %s", patience, problem)
}

func get[T client.Object](t *testing.T, namespace, name string, object T) T {
	t.Helper()
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		t.Fatalf("reading %T %s/%s: %v", object, namespace, name, err)
	}
	return object
}

// must runs kubectl as a user does and returns what it printed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	output, err := kubectl.Output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// namespace makes one that enforces the restricted Pod Security Standard.
func namespace(t *testing.T, name string) {
	t.Helper()
	if err := kubectl.RestrictedNamespace(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

func apply(ctx context.Context, namespace, manifests string) error {
	return kubectl.Apply(ctx, strings.NewReader(manifests), "--namespace", namespace)
}

func mustApply(t *testing.T, namespace, manifests string) {
	t.Helper()
	if err := apply(t.Context(), namespace, manifests); err != nil {
		t.Fatal(err)
	}
}

func waitReady(t *testing.T, namespace string, what ...string) {
	t.Helper()
	must(t, append([]string{"wait", "--namespace", namespace, "--for=condition=Ready", "--timeout=" + patience.String()}, what...)...)
}

// The manifests of the scenario. The control plane beats every second, so that a
// test waits for seconds and not for minutes.
func scenario() string {
	return `
apiVersion: v1
kind: Secret
metadata: {name: discord-bot}
stringData: {token: ` + discordToken + `}
---
apiVersion: argus.dev/v1alpha1
kind: ArgusFleet
metadata: {name: main}
spec: {heartbeatIntervalSeconds: 1, ttlFactor: 5}
---
apiVersion: argus.dev/v1alpha1
kind: ArgusBot
metadata: {name: mybot}
spec:
  image: ghcr.io/argus-dev/argus-bot:` + version + `
  args: [--guilds=120, --connect-delay=10ms]
  fleet: {ref: {name: main}, region: europe}
  discord: {tokenSecretRef: {name: discord-bot, key: token}}
  sharding: {total: 5, clusters: 2}
`
}

const discordToken = "a-discord-token-that-nobody-may-see"

// joined waits until every cluster of the bot beats, and returns the bot.
func joined(t *testing.T) *v1alpha1.ArgusBot {
	t.Helper()
	must(t, "wait", "--namespace", mainNamespace, "--for=condition=FleetJoined", "--timeout="+patience.String(), "argusbot/mybot")
	return get(t, mainNamespace, "mybot", &v1alpha1.ArgusBot{})
}

// numbers are what the control plane calls each cluster.
func numbers(bot *v1alpha1.ArgusBot) map[string]int32 {
	found := map[string]int32{}
	for _, cluster := range bot.Status.ClusterStatuses {
		found[cluster.ID] = cluster.Number
	}
	return found
}

// podsOf lists the running pods of a selector.
func podsOf(t *testing.T, namespace, selector string) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	if err := api.List(t.Context(), &pods, client.InNamespace(namespace), client.MatchingLabels(labelsOf(selector))); err != nil {
		t.Fatal(err)
	}
	var running []corev1.Pod
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp.IsZero() && pod.Status.Phase == corev1.PodRunning {
			running = append(running, pod)
		}
	}
	return running
}

// onlyPod waits for the one running pod of a selector.
func onlyPod(t *testing.T, namespace, selector string) corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	eventually(t, func() string {
		if pods = podsOf(t, namespace, selector); len(pods) != 1 {
			return selector + " does not select exactly one running pod"
		}
		return ""
	})
	return pods[0]
}

func labelsOf(selector string) map[string]string {
	parsed := map[string]string{}
	for part := range strings.SplitSeq(selector, ",") {
		name, value, _ := strings.Cut(part, "=")
		parsed[name] = value
	}
	return parsed
}
