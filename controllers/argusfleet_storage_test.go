package controllers

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

func TestARefusedSizeIsAskedForAgainWhenItMayHaveChanged(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	two, four := resource.MustParse("2Gi"), resource.MustParse("4Gi")
	var g growths
	said := g.refuse("uid", two, errors.New("no"), start)
	for sentence, tc := range map[string]struct {
		uid  string
		size resource.Quantity
		at   time.Duration
		want string
	}{
		"at once":                  {"uid", two, 0, said},
		"in another notation":      {"uid", resource.MustParse("2048Mi"), 0, said},
		"nine minutes later":       {"uid", two, 9 * time.Minute, said},
		"ten minutes later":        {"uid", two, 10 * time.Minute, ""},
		"another size":             {"uid", four, 0, ""},
		"another fleet's very own": {"other", two, 0, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := g.refusal(types.UID(tc.uid), tc.size, start.Add(tc.at)); got != tc.want {
				t.Errorf("the refusal is %q, want %q", got, tc.want)
			}
		})
	}
	g.forget("uid")
	if got := g.refusal("uid", two, start); got != "" {
		t.Errorf("a deleted fleet's refusal is remembered: %q", got)
	}
}

// What a condition quotes stays the same from one refusal to the next.
func TestARefusalIsToldInStableWords(t *testing.T) {
	claims := corev1.Resource("persistentvolumeclaims")
	for sentence, tc := range map[string]struct {
		cause string
		want  string
	}{
		"the class": {"only dynamically provisioned pvc can be resized", "only dynamically provisioned pvc can be resized"},
		"a quota": {
			"exceeded quota: storage, requested: requests.storage=1Gi, used: requests.storage=9Gi, limited: requests.storage=9Gi",
			"exceeded quota: storage, requested: requests.storage=1Gi; raise the quota, or ask for less",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			err := apierrors.NewForbidden(claims, "main-fleet-state", errors.New(tc.cause))
			if got := refusalCause(err); got != tc.want {
				t.Errorf("told as %q\n   want %q", got, tc.want)
			}
			if message := (&growths{}).refuse("uid", resource.MustParse("2Gi"), err, time.Time{}); !strings.HasPrefix(message, "the claim cannot grow to 2Gi: "+tc.want) {
				t.Errorf("the condition says %q", message)
			}
		})
	}
}
