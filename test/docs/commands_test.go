package docs

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// build compiles the command once for the test that asks.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "argus-fleet")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/argus-fleet").CombinedOutput(); err != nil {
		t.Fatalf("building argus-fleet: %v\n%s", err, output)
	}
	return binary
}

func output(t *testing.T, binary string, args ...string) string {
	t.Helper()
	var out, problems bytes.Buffer
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = t.TempDir(), []string{"HOME=/nonexistent"}, &out, &problems
	if err := command.Run(); err != nil {
		t.Fatalf("argus-fleet %v: %v\n%s", args, err, problems.String())
	}
	return out.String()
}

func TestCommands(t *testing.T) {
	help := output(t, build(t), "--help")
	_, list, _ := strings.Cut(help, "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var inCode, onPage []string
	for line := range strings.Lines(list) {
		if name := strings.Fields(line)[0]; name != "help" {
			inCode = append(inCode, "argus-fleet "+name)
		}
	}
	for _, cells := range table(t, "Command | What", "## Command line") {
		onPage = append(onPage, plain(cells[0]))
	}
	compare(t, "commands", inCode, onPage)
}

// TestExitStatuses finds the page's statuses in the command's own help.
func TestExitStatuses(t *testing.T) {
	help := output(t, build(t), "--help")
	for _, cells := range table(t, "Exit status | Meaning", "## Command line") {
		if !regexp.MustCompile(`Exit status:.*\b` + cells[0] + `\b`).MatchString(help) {
			t.Errorf("the help does not tell status %s:\n%s", cells[0], help)
		}
	}
}

// TestInitPrintsWhatTheOperatorKnows decodes the manifests strictly, and compares
// the Secret with the one that the operator would make.
func TestInitPrintsWhatTheOperatorKnows(t *testing.T) {
	first, second, found := strings.Cut(output(t, build(t), "init", "--kubernetes", "--name=eu", "--namespace=bots", "--port=9000"), "---\n")
	if !found {
		t.Fatalf("one document only:\n%s", first)
	}
	var secret corev1.Secret
	var fleet v1alpha1.ArgusFleet
	if err := yaml.UnmarshalStrict([]byte(first), &secret); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(second), &fleet); err != nil {
		t.Fatal(err)
	}
	if fleet.Name != "eu" || *fleet.Spec.MetricPrefix != "bots" || *fleet.Spec.Service.Port != 9000 || fleet.APIVersion != v1alpha1.GroupVersion.String() {
		t.Errorf("the ArgusFleet is\n%s", second)
	}
	want := manifests.FleetServerSecret(&fleet, nil)
	got := []any{secret.Name, secret.Labels, secret.Type}
	if diff := cmp.Diff([]any{want.Name, want.Labels, want.Type}, got); diff != "" {
		t.Errorf("the Secret (-operator +init)\n%s", diff)
	}
	if len(secret.Data) != len(tokens.ServerKeys()) {
		t.Errorf("the Secret has %d keys", len(secret.Data))
	}
	for _, key := range tokens.ServerKeys() {
		if tokens.First(secret.Data[key]) == "" {
			t.Errorf("the Secret lacks %s", key)
		}
	}
}
