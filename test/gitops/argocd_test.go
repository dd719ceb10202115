package gitops

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const repository = "../.."

func settings(t *testing.T) map[string]string {
	t.Helper()
	found, err := Settings(repository)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// dump is an object of testdata. It decodes strictly into its kind, or no operator
// could have written it.
func dump(t *testing.T, name string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := yaml.Unmarshal(content, &object); err != nil {
		t.Fatal(err)
	}
	var kind any = &v1alpha1.ArgusBot{}
	if object["kind"] == "ArgusFleet" {
		kind = &v1alpha1.ArgusFleet{}
	}
	if err := yaml.UnmarshalStrict(content, kind); err != nil {
		t.Fatalf("%s is none of ours: %v", name, err)
	}
	return object
}

func TestHealth(t *testing.T) {
	scripts, moments := settings(t), Moments()
	for name, moment := range moments {
		t.Run(moment.Sentence, func(t *testing.T) {
			got, err := HealthOf(scripts, dump(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != moment.Status || !strings.Contains(got.Message, moment.Message) {
				t.Errorf("health %v, want %s with %q", got, moment.Status, moment.Message)
			}
		})
	}
	dumps, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(dumps) != len(moments) {
		t.Errorf("%d dumps for %d moments: %v", len(dumps), len(moments), err)
	}
}

func actionsOf(t *testing.T, object map[string]any) Actions {
	t.Helper()
	found, err := ActionsOf(settings(t), object["kind"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestActions(t *testing.T) {
	const now = "now"
	cases := map[string]struct {
		dump, action string
		want         map[string]any // what changes, by path
	}{
		"suspend a control plane":                    {"fleet-available", "suspend", map[string]any{"spec.suspend": "Rollouts"}},
		"resume it":                                  {"fleet-suspended", "resume", map[string]any{"spec.suspend": "None"}},
		"rotate its tokens":                          {"fleet-available", "rotate-tokens", map[string]any{"metadata.annotations.argus.dev/rotate-tokens": now}},
		"restart a bot, cluster by cluster":          {"bot-available", "restart", map[string]any{"spec.rollout.restartedAt": now}},
		"suspend a bot":                              {"bot-available", "suspend", map[string]any{"spec.suspend": "Rollouts"}},
		"resume a bot":                               {"bot-suspended", "resume", map[string]any{"spec.suspend": "None"}},
		"stop all processes of a bot":                {"bot-available", "hibernate", map[string]any{"spec.hibernate": true}},
		"start them again":                           {"bot-hibernated", "wake", map[string]any{"spec.hibernate": false}},
		"suspend a bot in the middle of its trouble": {"bot-trouble", "suspend", map[string]any{"spec.suspend": "Rollouts"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			object := dump(t, tc.dump)
			before := flat(object)
			changed, err := actionsOf(t, object).Apply(tc.action, object)
			if err != nil {
				t.Fatal(err)
			}
			after := flat(changed)
			got := map[string]any{}
			for path, value := range after {
				if old, known := before[path]; !known || old != value {
					got[path] = value
				}
			}
			for path := range before {
				if _, kept := after[path]; !kept {
					t.Errorf("the action loses %s", path)
				}
			}
			for path, value := range got {
				text, _ := value.(string)
				if at, err := time.Parse(time.RFC3339, text); err == nil && time.Since(at).Abs() < time.Minute {
					got[path] = now
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// flat lists the values of an object by path.
func flat(value any) map[string]any {
	found := map[string]any{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, element := range value {
				walk(strings.TrimPrefix(path+"."+key, "."), element)
			}
		case []any:
			encoded, _ := json.Marshal(value)
			found[path] = string(encoded)
		case int64:
			found[path] = float64(value)
		default:
			found[path] = value
		}
	}
	walk("", value)
	return found
}

// TestActionsChangeFieldsThatExist: the API server drops a field that the schema
// does not have, and the action would do nothing without a word.
func TestActionsChangeFieldsThatExist(t *testing.T) {
	changed := map[string][][]string{
		"argusfleets": {{"spec", "suspend"}},
		"argusbots":   {{"spec", "suspend"}, {"spec", "rollout", "restartedAt"}, {"spec", "hibernate"}},
	}
	for plural, paths := range changed {
		content, err := os.ReadFile("../../config/crd/bases/argus.dev_" + plural + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(content, &crd); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			schema, exists := *crd.Spec.Versions[0].Schema.OpenAPIV3Schema, true
			for _, field := range path {
				if schema, exists = schema.Properties[field]; !exists {
					break
				}
			}
			if !exists {
				t.Errorf("%s: there is no %s", plural, strings.Join(path, "."))
			}
		}
	}
}

func TestActionsAreOfferedWhereTheyMakeSense(t *testing.T) {
	cases := map[string]struct {
		dump string
		want []string // those that are enabled
	}{
		"a control plane that runs":      {"fleet-available", []string{"rotate-tokens", "suspend"}},
		"a control plane at rest":        {"fleet-suspended", []string{"resume"}},
		"a control plane that is new":    {"fleet-new", []string{"rotate-tokens", "suspend"}},
		"one with tokens from elsewhere": {"fleet-locked", []string{"suspend"}},
		"a bot that runs":                {"bot-available", []string{"hibernate", "restart", "suspend"}},
		"a bot at rest":                  {"bot-suspended", []string{"resume"}},
		"a bot that hibernates":          {"bot-hibernated", []string{"suspend", "wake"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			object := dump(t, tc.dump)
			a := actionsOf(t, object)
			offered, err := a.Offered(object)
			if err != nil {
				t.Fatal(err)
			}
			var got, all, defined []string
			for action, enabled := range offered {
				all = append(all, action)
				if enabled {
					got = append(got, action)
				}
			}
			for _, one := range a.Definitions {
				defined = append(defined, one.Name)
			}
			slices.Sort(got)
			slices.Sort(all)
			slices.Sort(defined)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("offered (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(defined, all); diff != "" {
				t.Errorf("actions (-defined +discovered):\n%s", diff)
			}
		})
	}
}
