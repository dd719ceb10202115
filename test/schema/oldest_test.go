// Package schema checks the CRDs without a cluster: that the oldest Kubernetes we
// support can compile their rules, and that the rules know what the builders set.
package schema

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
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

func TestTheOldestKubernetesCompilesEveryRule(t *testing.T) {
	environment := environment.MustBaseEnvSet(version.MustParseGeneric(oldest))
	for name, crd := range crds(t) {
		rules := 0
		for _, v := range crd.Spec.Versions {
			internal := &apiextensions.JSONSchemaProps{}
			if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, internal, nil); err != nil {
				t.Fatal(err)
			}
			structural, err := schema.NewStructural(internal)
			if err != nil {
				t.Fatal(err)
			}
			rules += compile(t, name, structural, true, environment)
		}
		if rules < 5 {
			t.Errorf("%s has only %d rules, so this test saw too little", name, rules)
		}
	}
}

// compile compiles the rules of a node and of all below it, and counts them.
func compile(t *testing.T, path string, node *schema.Structural, root bool, set *environment.EnvSet) int {
	t.Helper()
	results, err := cel.Compile(node, model.SchemaDeclType(node, root), math.MaxInt64, set, cel.NewExpressionsEnvLoader())
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for i, result := range results {
		if result.Error != nil {
			t.Errorf("%s: rule %q: %s", path, node.XValidations[i].Rule, result.Error.Detail)
		}
	}
	count := len(results)
	for name, child := range node.Properties {
		count += compile(t, path+"."+name, &child, false, set)
	}
	if node.Items != nil {
		count += compile(t, path+"[]", node.Items, false, set)
	}
	if node.AdditionalProperties != nil && node.AdditionalProperties.Structural != nil {
		count += compile(t, path+"{}", node.AdditionalProperties.Structural, false, set)
	}
	return count
}
