package manifests

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Every field of a spec takes effect, or at least it is set in a CR whose objects a
// golden file shows.
func TestEveryFieldIsInAGoldenFile(t *testing.T) {
	for kind, spec := range map[string]any{"fleet": v1alpha1.ArgusFleetSpec{}, "bot": v1alpha1.ArgusBotSpec{}} {
		t.Run(kind, func(t *testing.T) {
			used := map[string]bool{}
			for file, content := range crs(t) {
				if !strings.HasPrefix(filepath.Base(file), kind) {
					continue
				}
				var cr struct{ Spec map[string]any }
				if err := yaml.Unmarshal(content, &cr); err != nil {
					t.Fatal(err)
				}
				markUsed("spec", cr.Spec, used)
			}
			fields := fieldsOf("spec", reflect.TypeOf(spec))
			if len(fields) < 50 {
				t.Fatalf("found only %v", fields)
			}
			for _, field := range fields {
				if !used[field] {
					t.Errorf("%s is in no CR of testdata", field)
				}
			}
		})
	}
}

// fieldsOf lists the paths of all fields that are ours; those of Kubernetes' own
// types end a path.
func fieldsOf(path string, of reflect.Type) []string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[v1alpha1.ArgusFleetSpec]().PkgPath() || of == reflect.TypeFor[v1alpha1.Fragment]() {
		return []string{path}
	}
	var fields []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" { // inline
			fields = append(fields, fieldsOf(path, field.Type)...)
			continue
		}
		fields = append(fields, fieldsOf(path+"."+name, field.Type)...)
	}
	return fields
}

func markUsed(path string, value any, used map[string]bool) {
	used[path] = true
	switch node := value.(type) {
	case map[string]any:
		for key, child := range node {
			markUsed(path+"."+key, child, used)
		}
	case []any:
		for _, child := range node {
			markUsed(path, child, used)
		}
	}
}
