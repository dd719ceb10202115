//go:build e2e

package e2e

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/test/live"
)

const (
	// mainNamespace holds the scenario's fleet `main` and bot `mybot`.
	mainNamespace = "e2e"
	patience      = live.Patience
)

// The stage's ways, under shorter names.

func eventually(t *testing.T, check func() string) {
	t.Helper()
	live.Eventually(t, check)
}

func get[T client.Object](t *testing.T, namespace, name string, object T) T {
	t.Helper()
	return live.Get(t, stage, namespace, name, object)
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	return stage.Must(t, args...)
}

func namespace(t *testing.T, name string) {
	t.Helper()
	stage.Namespace(t, name)
}

func apply(ctx context.Context, namespace, manifests string) error {
	return stage.Apply(ctx, namespace, manifests)
}

func mustApply(t *testing.T, namespace, manifests string) {
	t.Helper()
	stage.MustApply(t, namespace, manifests)
}

func waitReady(t *testing.T, namespace string, what ...string) {
	t.Helper()
	stage.WaitReady(t, namespace, what...)
}

func podsOf(t *testing.T, namespace, selector string) []corev1.Pod {
	t.Helper()
	return stage.PodsOf(t, namespace, selector)
}

func numbers(bot *v1alpha1.ArgusBot) map[string]int32 { return live.Numbers(bot) }

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
spec: {heartbeatIntervalSeconds: 1, ttlFactor: 20}
---
apiVersion: argus.dev/v1alpha1
kind: ArgusBot
metadata: {name: mybot}
spec:
  image: ghcr.io/argus-dev/argus-bot:` + version + `
  args: [--guilds=120, --connect-delay=10ms]
  fleet: {ref: {name: main}, region: europe}
  discord: {tokenSecretRef: {name: discord-bot, key: token}, maxConcurrency: 16}
  sharding: {total: 5, clusters: 2}
`
}

const discordToken = "a-discord-token-that-nobody-may-see"

// joined waits until every cluster of the scenario's bot beats, and returns the bot.
func joined(t *testing.T) *v1alpha1.ArgusBot {
	t.Helper()
	return stage.Joined(t, mainNamespace, "mybot")
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
