package gitops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	syaml "sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// TestSamplesHaveNoFieldThatDoesNotExist decodes each document of each sample into
// its kind. That a real API server takes them is tested in test/chart.
func TestSamplesHaveNoFieldThatDoesNotExist(t *testing.T) {
	paths, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(paths) < 6 {
		t.Fatalf("%d samples: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(content), "#") {
				t.Error("the sample does not say what it is for")
			}
			documents, err := Documents(string(content))
			if err != nil {
				t.Fatal(err)
			}
			for i, document := range documents {
				var about struct{ Kind string }
				if err := syaml.Unmarshal(document, &about); err != nil {
					t.Fatal(err)
				}
				into, known := map[string]any{"Secret": &corev1.Secret{}, "ArgusFleet": &v1alpha1.ArgusFleet{}, "ArgusBot": &v1alpha1.ArgusBot{}}[about.Kind]
				if !known {
					t.Errorf("document %d is a %q", i, about.Kind)
				} else if err := syaml.UnmarshalStrict(document, into); err != nil {
					t.Errorf("document %d: %v", i, err)
				}
			}
		})
	}
}
