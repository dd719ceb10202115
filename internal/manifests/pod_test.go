package manifests

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func deploymentsOf(t *testing.T) map[string]*appsv1.Deployment {
	t.Helper()
	found := map[string]*appsv1.Deployment{}
	for file, cr := range crs(t) {
		for _, object := range objectsOf(t, file, cr) {
			if deployment, ok := object.(*appsv1.Deployment); ok {
				found[file+" "+deployment.Name] = deployment
			}
		}
	}
	return found
}

// Every pod of ours is admitted where the restricted Pod Security Standard is enforced.
func TestPodsAreRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	for name, deployment := range deploymentsOf(t) {
		template := deployment.Spec.Template
		for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
			if !result.Allowed {
				t.Errorf("%s: %s: %s", name, result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
	}
}

// What the restricted standard does not ask for, and we do.
func TestPodsAreHardenedFurther(t *testing.T) {
	for name, deployment := range deploymentsOf(t) {
		spec := deployment.Spec.Template.Spec
		asked := strings.Contains(name, "-full.yaml") // serviceAccount.automountToken
		want := map[string]string{
			"service account token": strconv.FormatBool(asked), "service links": "false", "user": "10001", "group": "10001", "fsGroup": "10001",
		}
		got := map[string]string{
			"service account token": text(spec.AutomountServiceAccountToken),
			"service links":         text(spec.EnableServiceLinks),
			"user":                  text(spec.SecurityContext.RunAsUser),
			"group":                 text(spec.SecurityContext.RunAsGroup),
			"fsGroup":               text(spec.SecurityContext.FSGroup),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if spec.ServiceAccountName == "" || spec.ServiceAccountName == "default" {
			t.Errorf("%s has no ServiceAccount of its own", name)
		}
		for _, volume := range spec.Volumes {
			checkVolume(t, name, volume)
		}
		for _, container := range append(spec.InitContainers, spec.Containers...) {
			checkContainer(t, name, container)
			checkResources(t, name, container.Resources)
		}
		if main := spec.Containers[0]; main.StartupProbe == nil || main.LivenessProbe == nil || main.ReadinessProbe == nil {
			t.Errorf("%s lacks a probe", name)
		}
	}
}

// text is what a pointer points at, or "unset".
func text[T any](value *T) string {
	if value == nil {
		return "unset"
	}
	return fmt.Sprint(*value)
}

func checkVolume(t *testing.T, name string, volume corev1.Volume) {
	t.Helper()
	if volume.EmptyDir != nil && volume.EmptyDir.SizeLimit == nil {
		t.Errorf("%s: scratch volume %s has no bound", name, volume.Name)
	}
	if volume.Secret != nil && *volume.Secret.DefaultMode != 0o440 {
		t.Errorf("%s: Secret volume %s has mode %s, want 0440", name, volume.Name, text(volume.Secret.DefaultMode))
	}
}

func checkContainer(t *testing.T, name string, container corev1.Container) {
	t.Helper()
	if text(container.SecurityContext.ReadOnlyRootFilesystem) != "true" {
		t.Errorf("%s: the root filesystem can be written", name)
	}
	for _, mount := range container.VolumeMounts {
		if mount.SubPath != "" {
			t.Errorf("%s: mount %s uses subPath, which never sees a rotated Secret", name, mount.Name)
		}
	}
	for _, env := range container.Env {
		if strings.HasSuffix(env.Name, "TOKEN") && env.Value != "" {
			t.Errorf("%s: %s holds a token in plain text", name, env.Name)
		}
	}
}

func checkResources(t *testing.T, name string, resources corev1.ResourceRequirements) {
	t.Helper()
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		request, limit := resources.Requests[resource], resources.Limits[resource]
		if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
			t.Errorf("%s: %s request %s and limit %s", name, resource, request.String(), limit.String())
		}
	}
}

func TestSelectorsMatchTheirPodsAndNoOthers(t *testing.T) {
	for name, deployment := range deploymentsOf(t) {
		selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		for other, candidate := range deploymentsOf(t) {
			same := candidate.Name == deployment.Name
			if got := selector.Matches(labels.Set(candidate.Spec.Template.Labels)); got != same {
				t.Errorf("selector of %s matches a pod of %s: %v", name, other, got)
			}
		}
	}
}
