package chart

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/hack/local"
)

func read(t *testing.T, elem ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{root(t)}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestOneVersion(t *testing.T) {
	version, err := local.Version(root(t))
	if err != nil {
		t.Fatal(err)
	}
	var chart struct {
		Version    string `json:"version"`
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "charts", "argus-operator", "Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	if chart.AppVersion != version || "v"+chart.Version != version {
		t.Errorf("Chart.yaml says version %s and appVersion %s, the file VERSION %s", chart.Version, chart.AppVersion, version)
	}
	samples, err := filepath.Glob(filepath.Join(root(t), "config", "samples", "*.yaml"))
	if err != nil || len(samples) == 0 {
		t.Fatalf("finding the samples: %v (%d files)", err, len(samples))
	}
	ours := regexp.MustCompile(`ghcr\.io/argus-dev/[a-z-]+:(\S+)`)
	for _, sample := range samples {
		for _, image := range ours.FindAllStringSubmatch(read(t, "config", "samples", filepath.Base(sample)), -1) {
			if image[1] != version {
				t.Errorf("%s names %s, the file VERSION says %s", filepath.Base(sample), image[0], version)
			}
		}
	}
}

// TestCopiesAreFresh compares the chart's files with what the generators wrote,
// which `make generate` copies.
func TestCopiesAreFresh(t *testing.T) {
	copies := map[string]string{"config/rbac/role.yaml": "charts/argus-operator/files/role.yaml"}
	for from, to := range map[string]string{"config/crd/bases": "crds", "dashboards/boards": "boards", "dashboards/rules": "rules"} {
		originals, err := filepath.Glob(filepath.Join(root(t), from, "*"))
		if err != nil || len(originals) == 0 {
			t.Fatalf("finding %s: %v (%d files)", from, err, len(originals))
		}
		for _, original := range originals {
			name := filepath.Base(original)
			copies[from+"/"+name] = "charts/argus-operator/files/" + to + "/" + name
		}
		if present, err := filepath.Glob(filepath.Join(root(t), "charts", "argus-operator", "files", to, "*")); err != nil || len(present) != len(originals) {
			t.Errorf("the chart has %d %s, there are %d; run make generate", len(present), to, len(originals))
		}
	}
	for from, to := range copies {
		if diff := cmp.Diff(read(t, from), read(t, to)); diff != "" {
			t.Errorf("%s is not %s; run make generate (-want +got):\n%s", to, from, diff)
		}
	}
	for file, args := range map[string][]string{
		"config/manager/manager.yaml":    {"--skip-tests", "--set", "crds.install=false"},
		"dashboards/prometheusrule.yaml": {"--set", "rules.enabled=true,rules.fleets=true", "--show-only", "templates/prometheusrule.yaml"},
	} {
		if diff := cmp.Diff(plain(render(t, args...)), read(t, file)); diff != "" {
			t.Errorf("%s is not what the chart renders; run make generate (-want +got):\n%s", file, diff)
		}
	}
}

// plain drops what only Helm's releases carry, as make generate does.
func plain(manifests string) string {
	helms := regexp.MustCompile(`(?m)^(# Source:.*|\s*helm\.sh/chart:.*|\s*app\.kubernetes\.io/managed-by: Helm)\n`)
	return helms.ReplaceAllString(manifests, "")
}

func TestRenderingIsDeterministic(t *testing.T) {
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(render(t, values...), render(t, values...)); diff != "" {
				t.Errorf("two renderings differ:\n%s", diff)
			}
		})
	}
}

func TestCustomResourceDefinitions(t *testing.T) {
	cases := map[string]struct {
		values []string
		want   int
		policy string
	}{
		"are installed and outlive the release by default": {nil, 2, "keep"},
		"go with the release when asked to":                {[]string{"--set", "crds.keep=false"}, 2, ""},
		"are left to others when asked to":                 {[]string{"--set", "crds.install=false"}, 0, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			found := ofKind(objects(t, render(t, tc.values...)), "CustomResourceDefinition")
			if len(found) != tc.want {
				t.Fatalf("rendered %d CRDs, want %d", len(found), tc.want)
			}
			for _, crd := range found {
				if got := crd.GetAnnotations()["helm.sh/resource-policy"]; got != tc.policy {
					t.Errorf("%s: resource policy %q, want %q", crd.GetName(), got, tc.policy)
				}
				if diff := cmp.Diff(base(t, crd.GetName()).Object["spec"], crd.Object["spec"]); diff != "" {
					t.Errorf("%s: rendering changed the schema:\n%s", crd.GetName(), diff)
				}
			}
		})
	}
}

// base is a CRD as the generator wrote it.
func base(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	plural, group, _ := strings.Cut(name, ".")
	return objects(t, read(t, "config", "crd", "bases", group+"_"+plural+".yaml"))[0]
}

func TestImpossibleValuesAreRefusedWithASentence(t *testing.T) {
	cases := map[string]struct {
		set, want string
	}{
		"a value that does not exist":                {"replicaz=3", "replicaz"},
		"the tag latest":                             {"image.tag=latest", "image/tag"},
		"a digest that is none":                      {"image.digest=sha256:abc", "image/digest"},
		"a selector that is no list of equalities":   {"monitoringNamespaceSelector=a in (b)", "monitoringNamespaceSelector"},
		"authenticated metrics without cluster role": {"watchNamespaces={a},metrics.auth=kubernetes", "leave metrics.auth empty"},
		"no account to run as":                       {"serviceAccount.create=false", "serviceAccount.name names the ServiceAccount"},
		"a metric prefix that Prometheus refuses":    {"rules.metricPrefix=a-b", "rules/metricPrefix"},
		"rules without a rule":                       {"rules.enabled=true,rules.bots=false,rules.operator=false", "set rules.bots"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for major := range majors() {
				_, complaint, err := helmOf(t, major, "template", "x", "charts/argus-operator", "--kube-version", kubeVersion, "--set", tc.set)
				if err == nil {
					t.Errorf("%s accepted it", major)
				} else if !strings.Contains(complaint, tc.want) && !strings.Contains(complaint, strings.ReplaceAll(tc.want, "/", ".")) {
					t.Errorf("the complaint of %s does not name %q:\n%s", major, tc.want, complaint)
				}
			}
		})
	}
}

func TestRegistryOverrideReachesEveryImage(t *testing.T) {
	template := deployment(t, objects(t, render(t, "--set", "global.imageRegistry=mirror.example.com"))).Spec.Template
	container := template.Spec.Containers[0]
	if !strings.HasPrefix(container.Image, "mirror.example.com/argus-dev/argus-operator:v") {
		t.Errorf("the operator's image is %s", container.Image)
	}
	if !strings.Contains(strings.Join(container.Args, " "), "--fleet-image=mirror.example.com/argus-dev/argus-fleet:v") {
		t.Errorf("the control planes' image is not taken from the mirror: %q", container.Args)
	}
}

func TestParentChartsMayShareGlobals(t *testing.T) {
	render(t, "--set", "global.somethingElse=1")
}
