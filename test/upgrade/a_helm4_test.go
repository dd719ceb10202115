//go:build e2e

package upgrade

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/hack/local"
	"github.com/argus-dev/argus-operator/test/live"
)

// wait has helm return when what it did is done.
func wait() []string { return []string{"--wait", "--timeout", "5m"} }

func TestHelm4InstallsAndUpgradesWithoutRestartingABot(t *testing.T) {
	h := helm(t, "helm")
	stage.Namespace(t, local.Namespace)
	stage.Namespace(t, bots)
	mustHelm(t, h, append([]string{"install", local.Release, frozen()}, wait()...)...)
	objects, err := os.ReadFile(filepath.Join("testdata", "objects.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	stage.MustApply(t, bots, string(objects))
	well(t)
	operates(t, previous)
	tested(t, h)
	// The samples that follow want one that reads control planes elsewhere.
	upgrades(t, h, "--set", "allowExternalFleets=true")
}

// upgrades goes from the previous version to this one under a bot that runs.
func upgrades(t *testing.T, h local.HelmCLI, values ...string) {
	t.Helper()
	before := look(t)
	mustHelm(t, h, append(append([]string{"upgrade", local.Release, chart()}, values...), wait()...)...)
	operates(t, stage.Version)
	unmoved(t, before)
	obeyed(t)
	tested(t, h)
	unmoved(t, before)
}

// tested runs `helm test`, and wants it to have run something.
func tested(t *testing.T, h local.HelmCLI) {
	t.Helper()
	printed := mustHelm(t, h, "test", local.Release, "--timeout", "5m")
	if !strings.Contains(printed, "argus-operator-test") || strings.Count(printed, "Succeeded") < 1 || strings.Contains(printed, "Failed") {
		t.Errorf("helm test says\n%s", printed)
	}
}

// uninstalls leaves all that people made, and what runs for them.
func uninstalls(t *testing.T, h local.HelmCLI) {
	t.Helper()
	before := look(t)
	mustHelm(t, h, append([]string{"uninstall", local.Release}, wait()...)...)
	live.Eventually(t, func() string {
		return stage.Must(t, "get", "deployments,pods,services,serviceaccounts", "--namespace", local.Namespace,
			"--selector=app.kubernetes.io/instance="+local.Release, "--output=name")
	})
	if roles := stage.Must(t, "get", "clusterroles,clusterrolebindings", "--selector=app.kubernetes.io/instance="+local.Release, "--output=name"); roles != "" {
		t.Errorf("left behind:\n%s", roles)
	}
	after := look(t)
	if len(after.Pods) != len(before.Pods) {
		t.Errorf("%d pods of the bot run, before it were %d", len(after.Pods), len(before.Pods))
	}
	stage.Must(t, "get", "crd", "argusbots.argus.dev", "argusfleets.argus.dev")
}

// namespacedMode is looked at late: the samples want all namespaces.
func namespacedMode(t *testing.T, h local.HelmCLI) {
	t.Helper()
	before := look(t)
	mustHelm(t, h, append([]string{"upgrade", local.Release, chart(), "--set", "watchNamespaces={" + bots + "}"}, wait()...)...)
	err := stage.API.Get(t.Context(), client.ObjectKey{Name: local.Release}, &rbacv1.ClusterRole{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the ClusterRole in namespaced mode: %v, want that there is none", err)
	}
	live.Get(t, stage, bots, local.Release, &rbacv1.Role{})
	obeyed(t)
	unmoved(t, before)
	tested(t, h)
}
