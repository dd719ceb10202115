//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/test/wizard"
)

// TestWhatTheWizardWritesRuns does in a shell what the page's setup wizard tells a
// person to do, command by command, and has a control plane and a bot in the end.
func TestWhatTheWizardWritesRuns(t *testing.T) {
	t.Parallel()
	const namespace = "e2e-wizard"
	written, err := wizard.Write(t.Context(), map[string]any{
		"namespace": namespace, "botName": "music", "image": "ghcr.io/argus-dev/argus-bot:" + version,
		"region": "europe", "shards": 3, "clusters": 2, "voice": "yes",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := kubectl.Output(context.WithoutCancel(t.Context()), "delete", "namespace", namespace, "--wait=false"); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, written.FileName), []byte(written.Manifests), 0o600); err != nil {
		t.Fatal(err)
	}
	var last string
	for _, step := range written.Steps {
		if strings.HasPrefix(step.Command, "helm install ") || strings.Contains(step.Command, "port-forward") {
			continue // the operator is there, and what runs for ever is for people
		}
		last = inShell(t, dir, step)
	}
	if last == "" {
		t.Error("the last command tells no viewer token")
	}
	eventually(t, func() string {
		if display := get(t, namespace, "music", &v1alpha1.ArgusBot{}).Status.Display; display.Clusters != "2/2" || display.Shards != "3/3" {
			return "the bot shows " + display.Clusters + " clusters and " + display.Shards + " shards"
		}
		return ""
	})
}

// inShell types a command, and the bot's token where it asks for it.
func inShell(t *testing.T, dir string, step wizard.Step) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", step.Command)
	command.Dir = dir
	command.Stdin = strings.NewReader(discordToken + "\n")
	command.Env = append(os.Environ(), "KUBECONFIG="+kube.Kubeconfig, "PATH="+filepath.Dir(kube.Kubectl)+":"+os.Getenv("PATH"))
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%s\n%v: %s", step.Why, step.Command, err, output)
	}
	return string(output)
}
