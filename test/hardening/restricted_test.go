package hardening

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/argus-dev/argus-operator/test/desired"
)

const root = "../.."

// Every pod, the operator's own too, is admitted by a namespace that enforces the
// restricted standard.
func TestEveryPodIsRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	deployments := map[string][]*appsv1.Deployment{"the operator": {desired.Operator(t, root)}}
	for name, file := range desired.Files(t, root) {
		deployments[name] = desired.Deployments(desired.Objects(t, file, desired.Options()))
	}
	for name, found := range deployments {
		if len(found) == 0 {
			t.Errorf("%s has no Deployment", name)
		}
		for _, deployment := range found {
			template := deployment.Spec.Template
			restricted := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
			for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s: %s: %s", name, deployment.Name, result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
		}
	}
}

// The namespace that the operator is installed into enforces what its pods fulfil.
func TestTheOperatorsNamespaceEnforcesTheStandard(t *testing.T) {
	if level := desired.OperatorNamespace(t, root).Labels[psa.EnforceLevelLabel]; level != string(psa.LevelRestricted) {
		t.Errorf("the namespace enforces %q", level)
	}
}
