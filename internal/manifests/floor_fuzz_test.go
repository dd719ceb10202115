package manifests

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Whatever a patch and a sidecar say, either they are refused with a field and a
// reason, or the pod is as safe as every pod of ours.
func FuzzNoPatchBreaksTheFloor(f *testing.F) {
	for _, seed := range []struct{ patch, sidecar string }{
		{`{}`, `{"name":"x","image":"x:1"}`},
		{`{"spec":{"hostNetwork":true}}`, `{"name":"x","image":"x:1","securityContext":{"privileged":true}}`},
		{`{"spec":{"securityContext":{"$patch":"replace","runAsUser":0}}}`, `{"name":"fleet","image":"x:1"}`},
		{`{"spec":{"containers":[{"name":"fleet","$patch":"delete"},{"name":"y","image":"y:1"}]}}`, `{}`},
		{`{"spec":{"containers":[{"$patch":"replace"}]}}`, `null`},
		{`{"spec":{"$setElementOrder/containers":[{"name":"x"},{"name":"fleet"}],"volumes":[{"name":"state","$retainKeys":["name"]}]}}`, `{"name":"x","image":"x:1"}`},
		{`{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"labels":null},"spec":null}`, `{"name":"x","image":"x:1","resources":{"limits":{"cpu":"1"}}}`},
		{`{"spec":{"initContainers":[{"name":"i","image":"i:1","securityContext":{"capabilities":{"drop":null,"add":["NET_BIND_SERVICE"]}}}]}}`, `[]`},
		{`{"spec":{"overhead":{"cpu":1e-1000000000}}}`, `{"name":"x","image":"x:1","resources":{"limits":{"cpu":"1e-1000000000"}}}`},
	} {
		f.Add([]byte(seed.patch), []byte(seed.sidecar))
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		f.Fatal(err)
	}
	restricted := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	f.Fuzz(func(t *testing.T, patch, sidecar []byte) {
		fleet := &v1alpha1.ArgusFleet{Spec: v1alpha1.ArgusFleetSpec{Pod: &v1alpha1.Pod{
			Patch:    &v1alpha1.Fragment{RawExtension: runtime.RawExtension{Raw: patch}},
			Sidecars: []v1alpha1.Fragment{{RawExtension: runtime.RawExtension{Raw: sidecar}}},
		}}}
		fleet.Name = "main"
		deployment, err := FleetDeployment(fleet, testOptions())
		if podError, ok := errors.AsType[*PodError](err); ok {
			if podError.Field == "" || podError.Message == "" {
				t.Errorf("refused without a word: %#v", podError)
			}
			return
		}
		if err != nil {
			t.Fatalf("%T is no *PodError: %v", err, err)
		}
		template := deployment.Spec.Template
		for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
			if !result.Allowed {
				t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		checkIdentity(t, template.Spec)
	})
}

func checkIdentity(t *testing.T, spec corev1.PodSpec) {
	t.Helper()
	if *spec.SecurityContext.RunAsUser != userID || *spec.SecurityContext.RunAsGroup != userID || *spec.AutomountServiceAccountToken {
		t.Errorf("user %d, group %d, token %v", *spec.SecurityContext.RunAsUser, *spec.SecurityContext.RunAsGroup, *spec.AutomountServiceAccountToken)
	}
	mains := 0
	for _, container := range append(spec.InitContainers, spec.Containers...) {
		if container.Name == FleetContainer {
			mains++
		}
		security := container.SecurityContext
		if or(security.RunAsUser, userID) != userID || or(security.RunAsGroup, userID) != userID || !*security.ReadOnlyRootFilesystem {
			t.Errorf("container %s: %+v", container.Name, security)
		}
	}
	if mains != 1 {
		t.Errorf("%d containers are named as ours", mains)
	}
}
