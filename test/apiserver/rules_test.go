//go:build apiserver

package apiserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// schemaOf is the schema of a kind as the CRD has it.
func schemaOf(t *testing.T, plural string) *apiextensionsv1.JSONSchemaProps {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", "bases", "argus.dev_"+plural+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(content, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// walk visits every field of a schema with its path.
func walk(path string, schema *apiextensionsv1.JSONSchemaProps, visit func(path string, schema *apiextensionsv1.JSONSchemaProps)) {
	visit(path, schema)
	for name := range schema.Properties {
		child := schema.Properties[name]
		walk(path+"."+name, &child, visit)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		walk(path+"[]", schema.Items.Schema, visit)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		walk(path+"{}", schema.AdditionalProperties.Schema, visit)
	}
}

// Every sentence that a rule of the schema may say is heard in some case.
func TestEveryRuleHasARefusedCase(t *testing.T) {
	t.Parallel()
	for plural, cases := range map[string]map[string]schemaCase{"argusfleets": fleetCases(), "argusbots": botCases()} {
		var heard []string
		for _, tc := range cases {
			if tc.refused != "" {
				heard = append(heard, tc.refused)
			}
		}
		rules := 0
		walk("", schemaOf(t, plural), func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			for _, rule := range schema.XValidations {
				rules++
				if !refusesWith(heard, rule.Message) {
					t.Errorf("%s%s: no case is refused with %q", plural, path, rule.Message)
				}
			}
		})
		if rules < 10 {
			t.Errorf("%s: found %d rules only", plural, rules)
		}
	}
}

func refusesWith(heard []string, message string) bool {
	for _, part := range heard {
		if strings.Contains(message, part) {
			return true
		}
	}
	return false
}

// What `kubectl explain` shows of a field is its description.
func TestEveryFieldIsExplained(t *testing.T) {
	t.Parallel()
	for _, plural := range []string{"argusfleets", "argusbots"} {
		fields := 0
		walk("", schemaOf(t, plural), func(path string, schema *apiextensionsv1.JSONSchemaProps) {
			if !strings.HasPrefix(path, ".spec") && !strings.HasPrefix(path, ".status") {
				return
			}
			if strings.HasSuffix(path, "[]") || strings.HasSuffix(path, "{}") {
				return // the list or map itself is explained
			}
			fields++
			if strings.TrimSpace(schema.Description) == "" {
				t.Errorf("%s%s has no description", plural, path)
			}
		})
		if fields < 100 {
			t.Errorf("%s: found %d fields only", plural, fields)
		}
	}
}
