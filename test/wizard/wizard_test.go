//go:build apiserver

package wizard

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

// startServer starts an API server that knows the two kinds, with the namespace
// that the wizard proposes.
func startServer(t *testing.T) client.Client {
	t.Helper()
	log.SetLogger(logr.Discard())
	binaries, err := cluster.Binaries(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: binaries,
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	config.QPS = -1
	api, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "bots"}}); err != nil {
		t.Fatal(err)
	}
	return api
}

// apply has the API server check a file as it would when it stored it, and
// refuse fields that it does not know. It returns the kinds.
func apply(ctx context.Context, api client.Client, manifests string) ([]string, error) {
	var kinds []string
	for document := range strings.SplitSeq(manifests, "---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), object); err != nil {
			return nil, fmt.Errorf("reading YAML: %w", err)
		}
		kinds = append(kinds, object.GetKind())
		if err := api.Create(ctx, object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
			return nil, fmt.Errorf("creating %s: %w", object.GetKind(), err)
		}
	}
	return kinds, nil
}

func TestTheAPIServerTakesWhatTheWizardWrites(t *testing.T) {
	all, err := Combinations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d combinations", len(all))
	}
	api := startServer(t)
	t.Run("a mistake is noticed", func(t *testing.T) { noticesMistakes(t, api) })
	t.Run("every combination is taken", func(t *testing.T) {
		seen := map[string]int{}
		for _, c := range all {
			kinds, err := apply(t.Context(), api, c.Manifests)
			if err != nil {
				t.Errorf("%v\nanswers: %s\n%s", err, c.Answers, c.Manifests)
			}
			for _, kind := range kinds {
				seen[kind]++
			}
		}
		if seen["ArgusFleet"] == 0 || seen["ArgusBot"] == 0 {
			t.Errorf("kinds that were written: %v", seen)
		}
	})
}

// noticesMistakes: a check that takes anything proves nothing.
func noticesMistakes(t *testing.T, api client.Client) {
	t.Helper()
	const fleet = "apiVersion: argus.dev/v1alpha1\nkind: ArgusFleet\nmetadata: {name: a, namespace: bots}\nspec: "
	for name, spec := range map[string]string{"an unknown field": "{colour: red}", "a wrong value": "{leases: Maybe}"} {
		if _, err := apply(t.Context(), api, fleet+spec); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
