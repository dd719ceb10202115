//go:build e2e

package upgrade

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/argus-dev/argus-operator/hack/local"
)

func TestNamespacedModeByHelm4(t *testing.T) { namespacedMode(t, helm(t, "helm")) }

func TestHelm4UninstallKeepsWhatRuns(t *testing.T) { uninstalls(t, helm(t, "helm")) }

func TestHelm3InstallsUpgradesAndUninstallsAroundABotThatRuns(t *testing.T) {
	h := helm(t, "helm3")
	before := look(t)
	mustHelm(t, h, append([]string{"install", local.Release, frozen()}, wait()...)...)
	operates(t, previous)
	unmoved(t, before)
	tested(t, h)
	upgrades(t, h)
	uninstalls(t, h)
}

// TestKubectlInstalls with the kustomization, and over it with what a release brings.
func TestKubectlInstalls(t *testing.T) {
	before := look(t)
	stage.Must(t, "apply", "--server-side", "--kustomize", filepath.Join(stage.Root, "config", "default"))
	rolledOut(t)
	operates(t, stage.Version)
	unmoved(t, before)
	obeyed(t)

	stage.Must(t, "delete", "--filename", filepath.Join(stage.Root, "config", "manager", "manager.yaml"), "--wait=true")
	cmd := exec.CommandContext(t.Context(), "go", "run", "./hack/release", "installer")
	cmd.Dir = stage.Root
	if printed, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	stage.Must(t, "apply", "--server-side", "--filename", filepath.Join(stage.Root, "dist", "install.yaml"))
	rolledOut(t)
	unmoved(t, before)
	obeyed(t)
}

func rolledOut(t *testing.T) {
	t.Helper()
	stage.Must(t, "rollout", "status", "deployment/"+local.Release, "--namespace", local.Namespace, "--timeout=5m")
}
