package schema

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// A CRD is kept in etcd, sent to every client, and laid into the last-applied
// annotation by some tools, which may hold 256 KiB in all.
const mostBytes = 150_000

func TestTheCRDsStaySmall(t *testing.T) {
	for name, crd := range crds(t) {
		compact, err := json.Marshal(crd)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", name, len(compact))
		if len(compact) > mostBytes {
			t.Errorf("%s has %d bytes as compact JSON, more than %d", name, len(compact), mostBytes)
		}
	}
}

// Every field says what it is for: `kubectl explain` shows nothing else.
func TestEveryFieldIsExplained(t *testing.T) {
	for name, crd := range crds(t) {
		for _, version := range crd.Spec.Versions {
			explained(t, name, "spec", version.Schema.OpenAPIV3Schema.Properties["spec"])
		}
	}
}

// explained walks our own fields. Kubernetes' types document themselves, some of them
// not in every corner, and end with the fields that hold them.
func explained(t *testing.T, crd, path string, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	if schema.Description == "" {
		t.Errorf("%s: %s has no description", crd, path)
	}
	if kubernetesOwn(path) {
		for name, field := range schema.Properties {
			if field.Description == "" {
				t.Errorf("%s: %s.%s has no description", crd, path, name)
			}
		}
		return
	}
	for name, field := range schema.Properties {
		explained(t, crd, path+"."+name, field)
	}
	if schema.Items != nil && schema.Items.Schema != nil && len(schema.Items.Schema.Properties) > 0 {
		explained(t, crd, path+"[]", *schema.Items.Schema)
	}
}

// explainColumns is what `kubectl explain` has for a line of a description. It breaks
// longer ones once more, and leaves the rest as a line of one or two words.
const explainColumns = 76

// The lines of our comments are those of `kubectl explain`.
func TestExplainBreaksNoLine(t *testing.T) {
	var walk func(path string, schema apiextensionsv1.JSONSchemaProps)
	walk = func(path string, schema apiextensionsv1.JSONSchemaProps) {
		for line := range strings.SplitSeq(schema.Description, "\n") {
			if len(line) > explainColumns {
				t.Errorf("%s: %q has %d characters, more than %d", path, line, len(line), explainColumns)
			}
		}
		for name, field := range schema.Properties {
			walk(path+"."+name, field)
		}
		if schema.Items != nil && schema.Items.Schema != nil && !kubernetesOwn(path) {
			walk(path+"[]", *schema.Items.Schema)
		}
	}
	for _, version := range crds(t)["argus.dev_argusfleets.yaml"].Spec.Versions {
		for name, field := range version.Schema.OpenAPIV3Schema.Properties["spec"].Properties {
			if path := "spec." + name; !kubernetesOwn(path) {
				walk(path, field)
			}
		}
	}
}

// kubernetesOwn tells of fields whose parts are Kubernetes' own types.
func kubernetesOwn(path string) bool {
	return slices.Contains([]string{"spec.pod", "spec.networkPolicy"}, path)
}
