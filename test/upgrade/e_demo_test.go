//go:build e2e

package upgrade

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/hack/local"
)

// TestTheDemoBorrowsACluster that has an operator already, and one that has none.
func TestTheDemoBorrowsACluster(t *testing.T) {
	demo := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", demo, "./hack/demo")
	build.Dir = stage.Root
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	before := look(t)
	borrows(t, demo)
	rolledOut(t)
	unmoved(t, before)

	stage.Must(t, "delete", "--filename", filepath.Join(stage.Root, "config", "manager", "manager.yaml"), "--wait=true")
	borrows(t, demo)
	if left := stage.Must(t, "get", "deployments", "--namespace", local.Namespace, "--output=name"); left != "" {
		t.Errorf("the demo leaves the operator that it installed: %s", left)
	}
	stage.Must(t, "get", "crd", "argusbots.argus.dev", "argusfleets.argus.dev")
	if after := look(t); len(after.Pods) != len(before.Pods) {
		t.Error("the demo touched the bot of somebody else")
	}
}

// borrows runs the demo to its end in the cluster of the tests.
func borrows(t *testing.T, demo string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), demo, "--once")
	cmd.Dir = stage.Root
	cmd.Env = append(os.Environ(), "DEMO_CLUSTER=current", "KUBECONFIG="+stage.Kube.Kubeconfig, "PATH="+stage.Kube.BinDir+":"+os.Getenv("PATH"))
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	for _, line := range []string{
		`(?m)^argusfleet\.argus\.dev/main\s+True\s+2/2\s`,
		`(?m)^argusbot\.argus\.dev/mybot\s+True\s+2/2\s+4/4\s`,
	} {
		if !regexp.MustCompile(line).Match(printed) {
			t.Errorf("no line like %s:\n%s", line, printed)
		}
	}
	if left := stage.Must(t, "get", "namespace", "demo", "--ignore-not-found", "--output=name"); strings.TrimSpace(left) != "" {
		t.Errorf("the demo leaves %s", left)
	}
}
