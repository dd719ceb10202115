//go:build e2e

package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

const rotationNamespace = "e2e-rotation"

// rotationScenario has a bot for each way that a token reaches one.
func rotationScenario() string {
	bot := func(name, delivery string) string {
		return `
---
apiVersion: argus.dev/v1alpha1
kind: ArgusBot
metadata: {name: ` + name + `}
spec:
  image: ghcr.io/argus-dev/argus-bot:` + version + `
  args: [--guilds=10, --connect-delay=10ms]
  fleet: {ref: {name: main}, delivery: ` + delivery + `}
  discord: {tokenSecretRef: {name: discord-bot, key: token}}
  sharding: {total: 1, clusters: 1}
`
	}
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
` + bot("by-file", "File") + bot("by-env", "Env")
}

// TestRotationReachesEveryBot with a real kubelet, which brings a changed Secret to a
// running pod in its own time.
func TestRotationReachesEveryBot(t *testing.T) {
	t.Parallel()
	namespace(t, rotationNamespace)
	mustApply(t, rotationNamespace, rotationScenario())
	waitReady(t, rotationNamespace, "argusfleet/main", "argusbot/by-file", "argusbot/by-env")
	must(t, "wait", "--namespace", rotationNamespace, "--for=condition=FleetJoined", "--timeout="+patience.String(), "argusbot/by-file", "argusbot/by-env")
	before := get(t, rotationNamespace, "main-fleet-server", &corev1.Secret{}).Data
	pods := map[string]types.UID{}
	for _, name := range []string{"by-file", "by-env"} {
		pods[name] = onlyPod(t, rotationNamespace, "argus.dev/bot="+name).UID
	}
	plane := onlyPod(t, rotationNamespace, fleetPods)

	must(t, "annotate", "--namespace", rotationNamespace, "argusfleet/main", v1alpha1.AnnotationRotateTokens+"=monday")
	for _, phase := range []v1alpha1.RotationPhase{v1alpha1.PhaseAdding, v1alpha1.PhaseRolling, v1alpha1.PhaseStable} {
		eventually(t, func() string { return notYet(get(t, rotationNamespace, "main", &v1alpha1.ArgusFleet{}), phase) })
		t.Logf("%s", phase)
	}
	waitReady(t, rotationNamespace, "argusbot/by-file", "argusbot/by-env")

	if uid := onlyPod(t, rotationNamespace, "argus.dev/bot=by-file").UID; uid != pods["by-file"] {
		t.Error("the bot that reads its token from a file was restarted")
	}
	if uid := onlyPod(t, rotationNamespace, "argus.dev/bot=by-env").UID; uid == pods["by-env"] {
		t.Error("the bot that has its token in the environment was not restarted")
	}
	if onlyPod(t, rotationNamespace, fleetPods).UID != plane.UID {
		t.Error("the control plane was restarted")
	}
	nobodyWasRefused(t)
	oldTokenIsRefused(t, plane, before)
}

// notYet says how a fleet falls short of a phase. One that has passed it by has seen it.
func notYet(fleet *v1alpha1.ArgusFleet, phase v1alpha1.RotationPhase) string {
	order := map[v1alpha1.RotationPhase]int{v1alpha1.PhaseAdding: 1, v1alpha1.PhaseRolling: 2, v1alpha1.PhaseDropping: 3, v1alpha1.PhaseStable: 4}
	handled := fleet.Status.LastHandled != nil && fleet.Status.LastHandled.RotateTokens == "monday"
	if handled && order[fleet.Status.Tokens.Phase] >= order[phase] {
		return ""
	}
	text := "the rotation has not begun"
	if condition := meta.FindStatusCondition(fleet.Status.Conditions, v1alpha1.ConditionTokensRotated); handled && condition != nil {
		text = condition.Reason + ": " + condition.Message
	}
	return text
}

// nobodyWasRefused looks at both ends of every heartbeat.
func nobodyWasRefused(t *testing.T) {
	t.Helper()
	for selector, words := range map[string][]string{
		fleetPods:               {"authentication failed"},
		"argus.dev/bot=by-file": {"401", "nauthorized"},
		"argus.dev/bot=by-env":  {"401", "nauthorized"},
	} {
		log := must(t, "logs", "--namespace", rotationNamespace, "--selector="+selector, "--tail=-1")
		if log == "" {
			t.Errorf("the log of %s is empty, so this test saw nothing", selector)
		}
		for _, word := range words {
			if strings.Contains(log, word) {
				t.Errorf("the log of %s speaks of %q:\n%s", selector, word, log)
			}
		}
	}
}

func oldTokenIsRefused(t *testing.T, plane corev1.Pod, before map[string][]byte) {
	t.Helper()
	after := get(t, rotationNamespace, "main-fleet-server", &corev1.Secret{}).Data
	for what, tc := range map[string]struct {
		token []byte
		want  int
	}{"the old token": {before[tokens.KeyIngest], http.StatusUnauthorized}, "the new token": {after[tokens.KeyIngest], 0}} {
		client, err := fleetapi.NewClient("http://"+plane.Status.PodIP+":9190", fleetapi.ClientOptions{
			Token: func() (string, error) { return string(tc.token), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		code := 0
		err = client.Heartbeat(t.Context(), fleetapi.HeartbeatRequest{Identity: "by-file-0"})
		if refused, ok := errors.AsType[*fleetapi.StatusError](err); ok {
			code = refused.Code
		} else if err != nil {
			t.Fatal(err)
		}
		if code != tc.want {
			t.Errorf("%s is answered with %d, want %d", what, code, tc.want)
		}
	}
}
