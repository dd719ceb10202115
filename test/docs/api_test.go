package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// TestTheReferenceHasEveryField walks both schemas beside the page, from link to link,
// and compares the fields and which of them are required.
func TestTheReferenceHasEveryField(t *testing.T) {
	content := pages(t)["docs/api.md"]
	reference := map[string]string{} // section by type
	for _, section := range strings.Split(content, "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		reference[name] = body
	}
	compared := 0
	for kind, plural := range map[string]string{"ArgusBot": "argusbots", "ArgusFleet": "argusfleets"} {
		crd, err := os.ReadFile(filepath.Join(repository, "config", "crd", "bases", "argus.dev_"+plural+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(crd, &definition); err != nil {
			t.Fatal(err)
		}
		schema := *definition.Spec.Versions[0].Schema.OpenAPIV3Schema
		schema.Required = append(schema.Required, "apiVersion", "kind")
		compared += compareType(t, reference, kind, schema)
	}
	if compared < 200 {
		t.Errorf("only %d fields were compared", compared)
	}
}

// compareType compares one type and those that it links to, and counts their fields.
func compareType(t *testing.T, reference map[string]string, name string, schema apiextensionsv1.JSONSchemaProps) (fields int) {
	t.Helper()
	if schema.Items != nil {
		schema = *schema.Items.Schema
	}
	if len(schema.Properties) == 0 {
		return 0 // a string, or an object whose fields the API server does not know
	}
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.*?) \\| (.*) \\|$").FindAllStringSubmatch(reference[name], -1)
	local := regexp.MustCompile(`^\[(\w+)\]\(#`)
	var inCode, onPage []string
	for field := range schema.Properties {
		inCode = append(inCode, requirement(field, slices.Contains(schema.Required, field)))
	}
	for _, cells := range rows {
		constant := strings.HasPrefix(cells[3], "`") // apiVersion and kind of an object
		required := constant || strings.Contains(cells[3], "**Required.**")
		onPage = append(onPage, requirement(cells[1], required))
		if link := local.FindStringSubmatch(cells[2]); link != nil {
			fields += compareType(t, reference, link[1], schema.Properties[cells[1]])
		}
	}
	slices.Sort(inCode)
	slices.Sort(onPage)
	if diff := cmp.Diff(inCode, onPage); diff != "" {
		t.Errorf("%s (-schema +page); run make generate\n%s", name, diff)
	}
	return fields + len(inCode)
}

func requirement(field string, required bool) string {
	if required {
		return field + " (required)"
	}
	return field
}
