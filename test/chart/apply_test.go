//go:build apiserver

package chart

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/hack/local"
	"github.com/argus-dev/argus-operator/hack/local/localtest"
)

// TestManifestsAreAcceptedByARealAPIServer applies each way to install the
// operator, and then each sample, with strict validation: an unknown field or a
// warning of the API server fails.
func TestManifestsAreAcceptedByARealAPIServer(t *testing.T) {
	kubectl := local.KubectlFor(localtest.ControlPlane(t, "manifests"))
	install := []string{"apply", "--server-side", "--validate=strict", "--warnings-as-errors", "--filename", "-"}
	apply := func(t *testing.T, manifests string, extra ...string) {
		t.Helper()
		cmd := kubectl.Command(t.Context(), append(install, extra...)...)
		cmd.Stdin = strings.NewReader(manifests)
		if printed, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, printed)
		}
	}
	for _, namespace := range []string{"bots", "staging", "monitoring"} {
		if err := kubectl.RestrictedNamespace(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
	}
	kustomized, err := kubectl.Output(t.Context(), "kustomize", filepath.Join(root(t), "config", "default"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("install.yaml", func(t *testing.T) { sameAsInstaller(t, kustomized) })
	t.Run("kustomization", func(t *testing.T) { apply(t, kustomized) })
	if _, err := kubectl.Output(t.Context(), "wait", "crd", "--all", "--for=condition=Established", "--timeout=5m"); err != nil {
		t.Fatal(err)
	}
	for name, values := range scenarios(t) {
		// The API server has no CRD of the Prometheus Operator.
		values = append(values, "--set", "metrics.serviceMonitor.enabled=false,rules.enabled=false")
		t.Run("chart with values "+name, func(t *testing.T) {
			apply(t, render(t, values...), "--field-manager=helm-"+name, "--force-conflicts")
		})
	}
	samples, err := filepath.Glob(filepath.Join(root(t), "config", "samples", "*.yaml"))
	if err != nil || len(samples) == 0 {
		t.Fatalf("finding the samples: %v (%d files)", err, len(samples))
	}
	for _, sample := range samples {
		name := filepath.Base(sample)
		t.Run("sample "+name, func(t *testing.T) {
			apply(t, read(t, "config", "samples", name), "--namespace", "bots", "--dry-run=server")
		})
	}
}

// sameAsInstaller compares what kubectl makes of the kustomization with what the
// pinned kustomize does, which writes install.yaml.
func sameAsInstaller(t *testing.T, kustomized string) {
	t.Helper()
	pinned, err := local.Tool(t.Context(), root(t), "kustomize", "kustomize")
	if err != nil {
		t.Fatal(err)
	}
	installer, err := exec.CommandContext(t.Context(), pinned, "build", filepath.Join(root(t), "config", "default")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kustomized, string(installer)); diff != "" {
		t.Errorf("kubectl and the kustomize that writes install.yaml differ (-kubectl +kustomize):\n%s", diff)
	}
}
