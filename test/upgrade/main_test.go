//go:build e2e

// Package upgrade installs, upgrades and removes the operator on a real cluster by
// each way that users have, around a control plane and a bot that live through all of
// it; and it applies what users are given to begin with.
//
// The tests run in the order of their files' names and share one cluster.
package upgrade

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/local"
	"github.com/argus-dev/argus-operator/test/live"
)

const (
	// previous is the version of the frozen chart and of the objects in testdata. Its
	// images are built from this checkout: what is upgraded is the chart, the CRDs and
	// the objects, and that pods of another version are taken over.
	previous = "v0.0.9"
	// bots is the namespace of the control plane and the bot that live through it all.
	bots = "bots"

	fleetPods = "argus.dev/fleet=main"
	botPods   = "argus.dev/bot=mybot"
)

// stage is what all tests share.
var stage = &live.Stage{
	Name: "upgrade", Older: []string{previous}, Log: os.Stderr, Namespaces: []string{bots},
}

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

// helm is a helm by major version, in the namespace of the operator.
func helm(t *testing.T, tool string) local.HelmCLI {
	t.Helper()
	found, err := local.HelmFor(t.Context(), stage.Kube, tool)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func mustHelm(t *testing.T, h local.HelmCLI, args ...string) string {
	t.Helper()
	printed, err := h.Output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return printed
}

// chart is this checkout's.
func chart() string { return filepath.Join(stage.Root, "charts", "argus-operator") }

// frozen is the chart of the previous version, as it was published, and with what the
// operator of this checkout needs beside added to its role.
func frozen() string { return filepath.Join("testdata", "argus-operator-0.0.9.tgz") }

// witness is what no change of the operator may move.
type witness struct {
	// Pods of the bot, and how often their containers have started.
	Pods map[types.UID]int32
	// Numbers that the control plane gave.
	Numbers map[string]int32
	// Objects that people made, and those in which state is kept.
	Objects map[string]types.UID
}

func look(t *testing.T) witness {
	t.Helper()
	seen := witness{map[types.UID]int32{}, nil, map[string]types.UID{}}
	for _, pod := range stage.PodsOf(t, bots, botPods) {
		seen.Pods[pod.UID] = pod.Status.ContainerStatuses[0].RestartCount
	}
	fleet := live.Get(t, stage, bots, "main", &v1alpha1.ArgusFleet{})
	bot := live.Get(t, stage, bots, "mybot", &v1alpha1.ArgusBot{})
	seen.Numbers = live.Numbers(bot)
	seen.Objects["fleet"], seen.Objects["bot"] = fleet.UID, bot.UID
	seen.Objects["claim"] = live.Get(t, stage, bots, "main-fleet-state", &corev1.PersistentVolumeClaim{}).UID
	seen.Objects["secret"] = live.Get(t, stage, bots, "main-fleet-server", &corev1.Secret{}).UID
	if len(seen.Pods) != 2 || seen.Numbers["mybot-0"] == 0 || seen.Numbers["mybot-1"] == 0 {
		t.Fatalf("the bot does not run as it should: %+v", seen)
	}
	return seen
}

// unmoved waits until everything is well, and compares.
func unmoved(t *testing.T, before witness) {
	t.Helper()
	well(t)
	if diff := cmp.Diff(before, look(t)); diff != "" {
		t.Errorf("what should have lived through it (-before +after):\n%s", diff)
	}
}

// well waits until control plane and bot are ready, and both of its clusters up.
func well(t *testing.T) {
	t.Helper()
	stage.WaitReady(t, bots, "argusfleet/main", "argusbot/mybot")
	stage.Joined(t, bots, "mybot")
	live.Eventually(t, func() string {
		bot := live.Get(t, stage, bots, "mybot", &v1alpha1.ArgusBot{})
		for _, cluster := range bot.Status.ClusterStatuses {
			if cluster.Up == nil || !*cluster.Up {
				return cluster.ID + " is not up"
			}
		}
		return ""
	})
}

// operates waits until the operator of a version has taken over the control plane,
// which runs that version from then on.
func operates(t *testing.T, version string) {
	t.Helper()
	const fleet = "ghcr.io/argus-dev/argus-fleet:"
	operator := live.Get(t, stage, local.Namespace, local.Release, &appsv1.Deployment{})
	if image := operator.Spec.Template.Spec.Containers[0].Image; image != "ghcr.io/argus-dev/argus-operator:"+version {
		t.Fatalf("the operator's image is %s, want version %s", image, version)
	}
	live.Eventually(t, func() string {
		for _, pod := range stage.PodsOf(t, bots, fleetPods) {
			if pod.Spec.Containers[0].Image == fleet+version {
				return ""
			}
		}
		return "the control plane does not run " + fleet + version
	})
}

// obeyed shows that an operator is at work: it answers a change of a spec.
func obeyed(t *testing.T) {
	t.Helper()
	for _, mode := range []v1alpha1.SuspendMode{v1alpha1.SuspendRollouts, v1alpha1.SuspendNone} {
		stage.Must(t, "patch", "argusbot/mybot", "--namespace", bots, "--type=merge", "--patch", `{"spec": {"suspend": "`+string(mode)+`"}}`)
		live.Eventually(t, func() string {
			bot := live.Get(t, stage, bots, "mybot", &v1alpha1.ArgusBot{})
			if bot.Status.ObservedGeneration != bot.Generation {
				return "nobody has looked at the new spec"
			}
			return ""
		})
	}
}
