package chart

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRenderingIsTheGoldenOne compares all that the chart renders for each of its
// values files, by every helm that it is for. The CRDs, the boards and the rules are
// files of their own and compared elsewhere.
func TestRenderingIsTheGoldenOne(t *testing.T) {
	for name, values := range scenarios(t) {
		values = append(values, "--set", "crds.install=false,dashboards.enabled=false,rules.enabled=false")
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(dense(render(t, values...))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatalf("%v; go test ./test/chart -update writes it", err)
		}
		for major := range majors() {
			t.Run(name+" by "+major, func(t *testing.T) {
				if diff := cmp.Diff(string(want), dense(renderWith(t, major, values...))); diff != "" {
					t.Errorf("rendered otherwise; if that is wanted, go test ./test/chart -update (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// dense leaves out the empty lines around documents, in which the helms differ.
func dense(manifests string) string {
	return strings.TrimSpace(regexp.MustCompile(`\n{2,}`).ReplaceAllString(manifests, "\n")) + "\n"
}

// TestGoldenFilesHaveTheirValues finds golden files that nothing is compared with.
func TestGoldenFilesHaveTheirValues(t *testing.T) {
	found, err := filepath.Glob(filepath.Join("testdata", "*.golden"))
	if err != nil || len(found) != len(scenarios(t)) {
		t.Errorf("%d golden files for %d scenarios: %v", len(found), len(scenarios(t)), err)
	}
}

func TestChartPassesTheStrictLint(t *testing.T) {
	for major := range majors() {
		for name, values := range scenarios(t) {
			t.Run(name+" by "+major, func(t *testing.T) {
				args := append([]string{"lint", "--strict", "charts/argus-operator"}, values...)
				if out, complaint, err := helmOf(t, major, args...); err != nil {
					t.Errorf("%v\n%s%s", err, out, complaint)
				}
			})
		}
	}
}
