// Package chart holds the tests of the Helm chart: what it renders, asserted as
// objects, with the real helm.
package chart

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/argus-dev/argus-operator/hack/local"
)

// kubeVersion is the oldest Kubernetes that the chart is for. It is named because a
// helm that is built without its release's link flags takes the cluster for an older one.
const kubeVersion = "1.31.0"

// releaseNamespace is the namespace that the tests install into.
const releaseNamespace = "argus-system"

// scenarios are the values files of the chart, by name, and its defaults.
func scenarios(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), "charts", "argus-operator", "ci", "*-values.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the chart's ci values: %v (%d files)", err, len(files))
	}
	found := map[string][]string{"default": nil}
	for _, file := range files {
		found[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = []string{"--values", file}
	}
	return found
}

// majors are the versions of helm that the chart is for, by the module file that pins each.
func majors() map[string]string {
	return map[string]string{"helm 3": "helm3", "helm 4": "helm"}
}

// checkout finds the checkout and the pinned helms, once.
var checkout = sync.OnceValues(func() (found struct {
	root  string
	helms map[string]string // by major version
}, err error,
) {
	if found.root, err = local.Root(context.Background()); err != nil {
		return found, err
	}
	found.helms = map[string]string{}
	for major, tool := range majors() {
		if found.helms[major], err = local.Tool(context.Background(), found.root, tool, "helm"); err != nil {
			return found, err
		}
	}
	return found, nil
})

func root(t *testing.T) string {
	t.Helper()
	found, err := checkout()
	if err != nil {
		t.Fatal(err)
	}
	return found.root
}

// helmOf runs the pinned helm of a major version.
func helmOf(t *testing.T, major string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	found, err := checkout()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), found.helms[major], args...)
	cmd.Dir = found.root
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	return out.String(), complaint.String(), err
}

// render returns the chart's manifests as text.
func render(t *testing.T, args ...string) string {
	t.Helper()
	return renderWith(t, "helm 4", args...)
}

// renderWith renders with the helm of a major version.
func renderWith(t *testing.T, major string, args ...string) string {
	t.Helper()
	args = append([]string{"template", "argus-operator", "charts/argus-operator", "--namespace", releaseNamespace, "--kube-version", kubeVersion}, args...)
	out, complaint, err := helmOf(t, major, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, complaint)
	}
	return out
}

// objects decodes manifests.
func objects(t *testing.T, manifests string) []*unstructured.Unstructured {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifests), 4096)
	var found []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("decoding what helm rendered: %v", err)
		}
		if len(object.Object) > 0 {
			found = append(found, object)
		}
	}
}

// decode turns an object of a kind into its type, strictly: an unknown field fails.
func decode(t *testing.T, object *unstructured.Unstructured, into any) {
	t.Helper()
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true)
	if err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
}

// ofKind returns the objects of one kind.
func ofKind(all []*unstructured.Unstructured, kind string) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(all), func(o *unstructured.Unstructured) bool { return o.GetKind() != kind })
}

func deployment(t *testing.T, all []*unstructured.Unstructured) *appsv1.Deployment {
	t.Helper()
	found := ofKind(all, "Deployment")
	if len(found) != 1 {
		t.Fatalf("rendered %d Deployments, want 1", len(found))
	}
	d := &appsv1.Deployment{}
	decode(t, found[0], d)
	return d
}
