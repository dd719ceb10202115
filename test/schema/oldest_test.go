// Package schema checks the CRDs without a cluster: that the oldest Kubernetes we
// support takes them, the cost of their rules included, and that the rules know what
// the builders set.
package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/util/compatibility"
	basecompatibility "k8s.io/component-base/compatibility"
	"sigs.k8s.io/yaml"
)

// The oldest Kubernetes that the README and the chart name.
const oldest = "1.31"

// crds are the generated CRDs by file name.
func crds(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatalf("found %v (%v), want two CRDs", files, err)
	}
	found := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(content, crd); err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(file)] = crd
	}
	return found
}

// asTheOldest has this process judge CRDs as an API server of the oldest Kubernetes
// does: with the functions that its rules may call, and with its limits of their cost.
func asTheOldest(t *testing.T) {
	t.Helper()
	effective, _ := compatibility.DefaultComponentGlobalsRegistry.ComponentGlobalsOrRegister(
		basecompatibility.DefaultKubeComponent, compatibility.DefaultBuildEffectiveVersion(), nil)
	newest := effective.MinCompatibilityVersion()
	effective.SetMinCompatibilityVersion(version.MustParseGeneric(oldest))
	t.Cleanup(func() { effective.SetMinCompatibilityVersion(newest) })
}

// judge says what an API server has against a CRD.
func judge(t *testing.T, crd *apiextensionsv1.CustomResourceDefinition) error {
	t.Helper()
	crd = crd.DeepCopy()
	apiextensionsv1.SetDefaults_CustomResourceDefinition(crd)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, internal, nil); err != nil {
		t.Fatal(err)
	}
	// As the API server does when one is created.
	internal.Status.StoredVersions = []string{internal.Spec.Versions[0].Name}
	return validation.ValidateCustomResourceDefinition(t.Context(), internal).ToAggregate()
}

func TestTheOldestKubernetesTakesTheCRDs(t *testing.T) {
	asTheOldest(t)
	for name, crd := range crds(t) {
		if err := judge(t, crd); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A rule that a newer Kubernetes would take, and one that could keep an API server
// busy, are seen by the test above.
func TestWhatTheOldestKubernetesRefuses(t *testing.T) {
	asTheOldest(t)
	for sentence, tc := range map[string]struct{ rule, want string }{
		"a function of Kubernetes 1.33": {`isSemver(self.spec.image)`, "undeclared reference to 'isSemver'"},
		"a rule that costs too much": {
			`!has(self.spec.pod) || !has(self.spec.pod.env) || self.spec.pod.env.all(a, self.spec.pod.env.all(b, self.spec.pod.env.all(c, a.name + b.name != c.name)))`,
			"estimated rule cost exceeds budget",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			crd := crds(t)["argus.dev_argusfleets.yaml"].DeepCopy()
			root := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
			root.XValidations = append(root.XValidations, apiextensionsv1.ValidationRule{Rule: tc.rule, Message: "no"})
			if err := judge(t, crd); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("judged with %v, want %q", err, tc.want)
			}
		})
	}
}
