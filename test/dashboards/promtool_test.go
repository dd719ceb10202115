//go:build e2e

package dashboards

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

// needPrometheus installs Prometheus and promtool where they are missing.
func needPrometheus(t *testing.T) {
	t.Helper()
	if err := cluster.InstallPackages(t.Context(), os.Stderr, map[string]string{"prometheus": "prometheus", "promtool": "prometheus"}); err != nil {
		t.Fatal(err)
	}
}

func TestRulesPassTheirUnitTests(t *testing.T) {
	needPrometheus(t)
	for verb, pattern := range map[string]string{"check": "rules", "test": "tests"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern, "*.yaml"))
		if err != nil || len(paths) < 3 {
			t.Fatalf("%d files in %s: %v", len(paths), pattern, err)
		}
		output, err := exec.CommandContext(t.Context(), "promtool", append([]string{verb, "rules"}, paths...)...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %s rules: %v\n%s", verb, err, output)
		}
	}
}
