//go:build apiserver

// Package wizard has the setup wizard of the web page write manifests for every
// combination of its questions, and a real API server take them.
package wizard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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

// combination is one set of answers and what the wizard makes of it.
type combination struct {
	Answers   json.RawMessage `json:"answers"`
	Manifests string          `json:"manifests"`
}

// generate runs the part of the built page that writes manifests, outside of a
// browser: what is tested is what is served.
func generate(t *testing.T) []combination {
	t.Helper()
	built, err := filepath.Glob("../../fleetserver/ui/dist/assets/generate-*.js")
	if err != nil || len(built) != 1 {
		t.Fatalf("want one generator in the built page, there are %v (%v)", built, err)
	}
	source, err := os.ReadFile(built[0])
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "generate.mjs")
	if err := os.WriteFile(module, source, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval",
		`import(process.argv[1]).then((m) => process.stdout.write(JSON.stringify(m.generator.combinations())))`, "file://"+module)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("running the generator: %v\n%s", err, complaints.String())
	}
	var all []combination
	if err := json.Unmarshal(output, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

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
	all := generate(t)
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
