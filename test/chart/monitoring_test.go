package chart

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestBoardsArriveWhole(t *testing.T) {
	all := objects(t, render(t, "--set", "dashboards.enabled=true,dashboards.namespace=monitoring"))
	got := map[string]string{}
	for _, object := range ofKind(all, "ConfigMap") {
		c := &corev1.ConfigMap{}
		decode(t, object, c)
		if c.Namespace != "monitoring" || c.Labels["grafana_dashboard"] != "1" || c.Annotations["grafana_folder"] != "Argus" {
			t.Errorf("%s/%s has labels %v and annotations %v: the sidecar would not find it", c.Namespace, c.Name, c.Labels, c.Annotations)
		}
		for file, content := range c.Data {
			got[file] = content
			if !json.Valid([]byte(content)) {
				t.Errorf("%s is no JSON", file)
			}
		}
	}
	paths, err := filepath.Glob(filepath.Join(root(t), "dashboards", "boards", "*.json"))
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d boards: %v", len(paths), err)
	}
	want := map[string]string{}
	for _, path := range paths {
		want[filepath.Base(path)] = read(t, "dashboards", "boards", filepath.Base(path))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("boards (-want +got):\n%s", diff)
	}
}

// groups returns the names and the rules of the one PrometheusRule.
func groups(t *testing.T, values ...string) (names []string, text string) {
	t.Helper()
	found := ofKind(objects(t, render(t, values...)), "PrometheusRule")
	if len(found) != 1 {
		t.Fatalf("rendered %d PrometheusRules, want 1", len(found))
	}
	all, _, err := unstructured.NestedSlice(found[0].Object, "spec", "groups")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range all {
		names = append(names, group.(map[string]any)["name"].(string))
	}
	encoded, err := yaml.Marshal(found[0].Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	return names, string(encoded)
}

func TestRulesArriveAsAsked(t *testing.T) {
	cases := map[string]struct {
		set  string
		want []string
	}{
		"bots and operator by default": {"rules.enabled=true", []string{"argus.recording", "argus.bots", "argus.operator"}},
		"control planes when asked to": {"rules.enabled=true,rules.fleets=true", []string{"argus.recording", "argus.bots", "argus.fleets", "argus.operator"}},
		"control planes alone":         {"rules.enabled=true,rules.fleets=true,rules.bots=false,rules.operator=false", []string{"argus.fleets"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, _ := groups(t, "--set", tc.set)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRulesFollowTheMetricPrefix(t *testing.T) {
	_, original := groups(t, "--set", "rules.enabled=true,rules.fleets=true")
	_, changed := groups(t, "--set", "rules.enabled=true,rules.fleets=true,rules.metricPrefix=acme")
	if strings.Contains(changed, "discord_") || !strings.Contains(changed, "acme_shards_connected") {
		t.Error("the prefix of some metric is still discord")
	}
	if diff := cmp.Diff(strings.ReplaceAll(original, "discord_", "acme_"), changed); diff != "" {
		t.Errorf("more than the prefix has changed:\n%s", diff)
	}
}

// TestNothingButTheTestIsAHook: a hook is no part of the release, which GitOps tools
// and uninstall count on.
func TestNothingButTheTestIsAHook(t *testing.T) {
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			var hooks []string
			for _, object := range objects(t, render(t, values...)) {
				if hook, is := object.GetAnnotations()["helm.sh/hook"]; is {
					hooks = append(hooks, object.GetKind()+" "+hook)
				}
			}
			slices.Sort(hooks)
			if !slices.Equal(hooks, []string{"NetworkPolicy test", "Pod test"}) {
				t.Errorf("hooks %q", hooks)
			}
		})
	}
}
