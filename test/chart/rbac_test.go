package chart

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// role is a ClusterRole or a Role.
type role struct {
	kind, namespace, name string
	rules                 []rbacv1.PolicyRule
}

func roles(t *testing.T, all []*unstructured.Unstructured) []role {
	t.Helper()
	var found []role
	for _, kind := range []string{"ClusterRole", "Role"} {
		for _, object := range ofKind(all, kind) {
			r := &rbacv1.ClusterRole{} // a Role has the same fields, and no aggregation
			decode(t, object, r)
			found = append(found, role{kind, object.GetNamespace(), object.GetName(), r.Rules})
		}
	}
	return found
}

func TestNoRuleHoldsAWildcard(t *testing.T) {
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			found := roles(t, objects(t, render(t, values...)))
			if len(found) == 0 {
				t.Fatal("rendered no role at all")
			}
			for _, r := range found {
				for _, rule := range r.rules {
					all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs, rule.NonResourceURLs)
					if slices.ContainsFunc(all, func(word string) bool { return strings.Contains(word, "*") }) {
						t.Errorf("%s %s holds a wildcard: %v", r.kind, r.name, rule)
					}
				}
			}
		})
	}
}

// TestSecretsAreNeverListed holds the promise that foreign Secrets cost nothing
// and cannot be enumerated: no list, no watch, no update.
func TestSecretsAreNeverListed(t *testing.T) {
	want := []string{"create", "delete", "get", "patch"}
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			holders := 0
			for _, r := range roles(t, objects(t, render(t, values...))) {
				verbs := verbsOn(r.rules, "", "secrets")
				if len(verbs) == 0 {
					continue
				}
				holders++
				if diff := cmp.Diff(want, verbs); diff != "" {
					t.Errorf("%s %s/%s: verbs on secrets (-want +got):\n%s", r.kind, r.namespace, r.name, diff)
				}
			}
			if holders == 0 {
				t.Error("no role grants anything on secrets: the operator could not work")
			}
		})
	}
}

// verbsOn returns the sorted verbs that rules grant on a resource.
func verbsOn(rules []rbacv1.PolicyRule, group, resource string) []string {
	var verbs []string
	for _, rule := range rules {
		if slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, resource) {
			verbs = append(verbs, rule.Verbs...)
		}
	}
	slices.Sort(verbs)
	return slices.Compact(verbs)
}

func TestNamespacedModeNeedsNothingClusterWide(t *testing.T) {
	all := objects(t, render(t, scenarios(t)["namespaced"]...))
	for _, kind := range []string{"ClusterRole", "ClusterRoleBinding"} {
		for _, object := range ofKind(all, kind) {
			t.Errorf("rendered %s %s", kind, object.GetName())
		}
	}
	var where []string
	for _, r := range roles(t, all) {
		where = append(where, r.namespace+"/"+r.name)
		for _, group := range []string{"authentication.k8s.io", "authorization.k8s.io"} {
			if slices.ContainsFunc(r.rules, func(rule rbacv1.PolicyRule) bool { return slices.Contains(rule.APIGroups, group) }) {
				t.Errorf("Role %s/%s asks for %s, which no Role can grant", r.namespace, r.name, group)
			}
		}
	}
	slices.Sort(where)
	want := []string{"argus-system/argus-operator-leader-election", "bots/argus-operator", "staging/argus-operator"}
	if diff := cmp.Diff(want, where); diff != "" {
		t.Errorf("Roles (-want +got):\n%s", diff)
	}
	args := deployment(t, all).Spec.Template.Spec.Containers[0].Args
	for _, arg := range []string{"--watch-namespaces=bots,staging", "--metrics-auth=none"} {
		if !slices.Contains(args, arg) {
			t.Errorf("the operator's arguments lack %s: %q", arg, args)
		}
	}
}

// TestEveryBindingHasItsRoleAndAccount catches names that drift apart.
func TestEveryBindingHasItsRoleAndAccount(t *testing.T) {
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			all := objects(t, render(t, values...))
			exists := func(kind, namespace, name string) bool {
				return slices.ContainsFunc(ofKind(all, kind), func(o *unstructured.Unstructured) bool {
					return o.GetNamespace() == namespace && o.GetName() == name
				})
			}
			for _, object := range slices.Concat(ofKind(all, "ClusterRoleBinding"), ofKind(all, "RoleBinding")) {
				binding := &rbacv1.RoleBinding{} // a ClusterRoleBinding has the same fields
				decode(t, object, binding)
				if !exists(binding.RoleRef.Kind, object.GetNamespace(), binding.RoleRef.Name) {
					t.Errorf("%s %s refers to a %s %s that is not rendered", object.GetKind(), object.GetName(), binding.RoleRef.Kind, binding.RoleRef.Name)
				}
				for _, subject := range binding.Subjects {
					if !exists(subject.Kind, subject.Namespace, subject.Name) {
						t.Errorf("%s %s binds a %s %s/%s that is not rendered", object.GetKind(), object.GetName(), subject.Kind, subject.Namespace, subject.Name)
					}
				}
			}
		})
	}
}
