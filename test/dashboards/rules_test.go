package dashboards

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

func TestAlertsSayWhatIsWrongAndWhatToDo(t *testing.T) {
	seen := map[string]string{}
	for file, all := range rules(t) {
		for _, r := range all {
			if other, taken := seen[r.name()]; taken || r.name() == "" {
				t.Errorf("%s: %q is in %s too", file, r.name(), other)
			}
			seen[r.name()] = file
			if r.Alert == "" {
				continue
			}
			if !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
				t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
			}
			for _, text := range []string{"summary", "description"} {
				if !strings.HasSuffix(r.Annotations[text], ".") {
					t.Errorf("%s: %s is no sentence: %q", r.Alert, text, r.Annotations[text])
				}
			}
		}
	}
}

// unitTests is as much of promtool's test files as tells what they cover.
type unitTests struct {
	Tests []struct {
		Exprs []struct {
			Expr    string `json:"expr"`
			Samples []any  `json:"exp_samples"`
		} `json:"promql_expr_test"`
		Alerts []struct {
			Name   string `json:"alertname"`
			Alerts []any  `json:"exp_alerts"`
		} `json:"alert_rule_test"`
	} `json:"tests"`
}

// TestEveryRuleHasAUnitTest wants each recording rule to have yielded a value, and
// each alert to have fired, in a test of promtool.
func TestEveryRuleHasAUnitTest(t *testing.T) {
	yielded, fired := tested(t)
	for file, all := range rules(t) {
		for _, r := range all {
			if r.Alert != "" && !fired[r.Alert] || r.Record != "" && !strings.Contains(yielded, r.Record) {
				t.Errorf("%s: %s has no unit test with a result", file, r.name())
			}
		}
	}
}

// tested returns the expressions that yield something in promtool's tests, and the
// alerts that fire there.
func tested(t *testing.T) (yielded string, fired map[string]bool) {
	t.Helper()
	var exprs []string
	fired = map[string]bool{}
	for name, content := range files(t, "tests", "*.yaml") {
		var tests unitTests
		if err := yaml.Unmarshal(content, &tests); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, test := range tests.Tests {
			for _, expr := range test.Exprs {
				if len(expr.Samples) > 0 {
					exprs = append(exprs, expr.Expr)
				}
			}
			for _, alert := range test.Alerts {
				fired[alert.Name] = fired[alert.Name] || len(alert.Alerts) > 0
			}
		}
	}
	return strings.Join(exprs, "\n"), fired
}

// TestAlertsOfAnArgusFleetAreTheSame compares what spec.prometheusRule brings with
// the file for every control plane: one name must not have two meanings.
func TestAlertsOfAnArgusFleetAreTheSame(t *testing.T) {
	fleet := &v1alpha1.ArgusFleet{ObjectMeta: metav1.ObjectMeta{Name: "main", Namespace: "bots"}}
	fleet.Spec.PrometheusRule = &v1alpha1.MonitorObject{}
	fleet.Spec.TLS = &v1alpha1.FleetTLS{}
	fleet.Spec.Prometheus = &v1alpha1.FleetPrometheus{}
	groups, _, err := unstructured.NestedSlice(manifests.FleetPrometheusRule(fleet).Object, "spec", "groups")
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string][]string{}
	for _, one := range groups[0].(map[string]any)["rules"].([]any) {
		var r rule
		encoded, err := yaml.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(encoded, &r); err != nil {
			t.Fatal(err)
		}
		theirs[r.Alert] = essence(r)
	}
	ours := map[string][]string{}
	for _, r := range rules(t)["fleets.yaml"] {
		ours[r.Alert] = essence(r)
	}
	// These two differ by nature: one knows its target and its limit, the other meets any.
	for _, all := range []map[string][]string{ours, theirs} {
		if len(all["ArgusFleetDown"]) == 0 {
			t.Error("there is no ArgusFleetDown")
		}
		delete(all, "ArgusFleetDown")
	}
	if len(theirs["ArgusFleetNearlyFull"]) == 0 || len(ours["ArgusFleetFull"]) == 0 {
		t.Error("nobody tells of a full control plane")
	}
	delete(theirs, "ArgusFleetNearlyFull")
	delete(ours, "ArgusFleetFull")
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("alerts (-an ArgusFleet's +fleets.yaml)\n%s", diff)
	}
}

// essence is when an alert fires and how much it matters: without the labels that
// pick one control plane, and without layout.
func essence(r rule) []string {
	expr := strings.Join(strings.Fields(r.Expr), " ")
	for _, with := range []string{`namespace="bots",job="main-fleet",`, `namespace="bots",job="main-fleet"`} {
		expr = strings.ReplaceAll(expr, with, "")
	}
	expr = strings.NewReplacer("{}", "", "ignoring(", "ignoring (").Replace(expr)
	return []string{expr, r.For, r.Labels["severity"]}
}
