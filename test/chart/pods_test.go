package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func TestPodsPassTheRestrictedStandard(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			all := objects(t, render(t, values...))
			template := deployment(t, all).Spec.Template
			test := &corev1.Pod{} // that of helm test
			decode(t, ofKind(all, "Pod")[0], test)
			for _, pod := range []corev1.PodTemplateSpec{template, {ObjectMeta: test.ObjectMeta, Spec: test.Spec}} {
				results := evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)
				if len(results) == 0 {
					t.Fatal("the evaluator checked nothing")
				}
				for _, result := range results {
					if !result.Allowed {
						t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
					}
				}
			}
		})
	}
}

// hardening is what of a pod goes beyond the standard.
type hardening struct {
	UID, GID, FSGroup     int64
	OwnerChange           corev1.PodFSGroupChangePolicy
	ServiceLinks          bool
	ReadOnlyRoot          bool
	TerminationMessage    corev1.TerminationMessagePolicy
	Requests, Limits      int
	Startup, Live, Ready  bool
	SpreadOverNodes       bool
	UnboundedEmptyVolumes []string
}

func TestPodsAreHardenedBeyondTheStandard(t *testing.T) {
	want := hardening{
		UID: 10001, GID: 10001, FSGroup: 10001, OwnerChange: corev1.FSGroupChangeOnRootMismatch,
		ReadOnlyRoot: true, TerminationMessage: corev1.TerminationMessageFallbackToLogsOnError,
		Requests: 3, Limits: 3, // cpu, memory and ephemeral storage
		Startup: true, Live: true, Ready: true, SpreadOverNodes: true,
	}
	for name, values := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			got := hardeningOf(t, deployment(t, objects(t, render(t, values...))).Spec.Template.Spec)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the operator's pods differ from the house's (-want +got):\n%s", diff)
			}
		})
	}
}

func hardeningOf(t *testing.T, pod corev1.PodSpec) hardening {
	t.Helper()
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Fatalf("%d containers and %d init containers, want one container alone", len(pod.Containers), len(pod.InitContainers))
	}
	c := pod.Containers[0]
	got := hardening{
		UID: *pod.SecurityContext.RunAsUser, GID: *pod.SecurityContext.RunAsGroup, FSGroup: *pod.SecurityContext.FSGroup,
		OwnerChange:        *pod.SecurityContext.FSGroupChangePolicy,
		ServiceLinks:       *pod.EnableServiceLinks,
		ReadOnlyRoot:       *c.SecurityContext.ReadOnlyRootFilesystem,
		TerminationMessage: c.TerminationMessagePolicy,
		Requests:           len(c.Resources.Requests), Limits: len(c.Resources.Limits),
		Startup: c.StartupProbe != nil, Live: c.LivenessProbe != nil, Ready: c.ReadinessProbe != nil,
		SpreadOverNodes: pod.Affinity.PodAntiAffinity != nil,
	}
	for _, volume := range pod.Volumes {
		if volume.EmptyDir != nil && volume.EmptyDir.SizeLimit == nil {
			got.UnboundedEmptyVolumes = append(got.UnboundedEmptyVolumes, volume.Name)
		}
	}
	return got
}
