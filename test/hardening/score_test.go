package hardening

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/argus-dev/argus-operator/test/desired"
)

// exemption lets a finding of kube-score pass.
type exemption struct {
	// check by its name in `kube-score list`.
	check string
	// files it is for; none stands for all.
	files  []string
	reason string
}

func exemptions() []exemption {
	return []exemption{
		{
			check:  "container-image-pull-policy",
			reason: "every image has a tag other than latest or a digest, and a node that cannot reach the registry must still restart a pod",
		},
		{
			check: "pod-networkpolicy", files: []string{"bot-external.yaml", "fleet-existing-claim.yaml"},
			reason: "these files show networkPolicy.state: Disabled",
		},
	}
}

// kube-score is pinned with the other tools, and built once into the build cache.
func buildScore(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "kube-score")
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile=hack/tools/kube-score.mod", "-o", binary, "github.com/zegl/kube-score/cmd/kube-score")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building kube-score: %v\n%s", err, out)
	}
	return binary
}

// scored is what kube-score says of one object.
type scored struct {
	Name   string `json:"object_name"`
	Checks []struct {
		Check struct {
			ID string `json:"id"`
		} `json:"check"`
		Grade    int  `json:"grade"`
		Skipped  bool `json:"skipped"`
		Comments []struct {
			Path        string `json:"path"`
			Summary     string `json:"summary"`
			Description string `json:"description"`
		} `json:"comments"`
	} `json:"checks"`
}

// gradeCritical is kube-score's worst grade.
const gradeCritical = 1

func score(t *testing.T, binary, file string) []scored {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, "score", "--output-format=json", "--kubernetes-version=v1.31", file).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) { // 1: something is critical
		t.Fatalf("kube-score %s: %v", file, err)
	}
	var objects []scored
	if err := json.Unmarshal(out, &objects); err != nil {
		t.Fatalf("kube-score %s: %v", file, err)
	}
	if len(objects) == 0 {
		t.Fatalf("kube-score found nothing in %s", file)
	}
	return objects
}

// Nothing that we deploy, and nothing that the operator makes of any sample, has a
// critical finding that is not exempt for a reason.
func TestNothingIsCritical(t *testing.T) {
	binary, used := buildScore(t), map[string]bool{}
	files := map[string]string{"the operator": filepath.Join(root, "config/manager/manager.yaml")}
	for name, file := range desired.Files(t, root) {
		files[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(files[name], desired.YAML(t, desired.Objects(t, file, desired.Options())), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range files {
		for _, object := range score(t, binary, file) {
			for _, check := range object.Checks {
				if check.Skipped || check.Grade != gradeCritical {
					continue
				}
				if exempt(name, check.Check.ID) {
					used[check.Check.ID] = true
					continue
				}
				t.Errorf("%s: %s: %s: %s", name, object.Name, check.Check.ID, fmt.Sprint(check.Comments))
			}
		}
	}
	for _, exemption := range exemptions() {
		if !used[exemption.check] {
			t.Errorf("nothing needs the exemption from %s any more: remove it", exemption.check)
		}
	}
}

func exempt(file, check string) bool {
	return slices.ContainsFunc(exemptions(), func(e exemption) bool {
		return e.check == check && (len(e.files) == 0 || slices.Contains(e.files, file))
	})
}
