package controllers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
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
		"another claim's very own": {"other", two, 0, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := g.refusal(types.UID(tc.uid), tc.size, start.Add(tc.at)); got != tc.want {
				t.Errorf("the refusal is %q, want %q", got, tc.want)
			}
		})
	}
	g.refuse("other", two, errors.New("no"), start.Add(time.Hour))
	if _, kept := g.refused["uid"]; kept || len(g.refused) != 1 {
		t.Errorf("a refusal that no longer counts is remembered: %v", g.refused)
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

func TestWhatStorageBoundSays(t *testing.T) {
	claimOf := func(phase corev1.PersistentVolumeClaimPhase, alter func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
		claim := manifests.FleetClaim(fleetNamed("main"), nil)
		claim.Status.Phase, claim.Status.Capacity = phase, claim.Spec.Resources.Requests
		if alter != nil {
			alter(claim)
		}
		return claim
	}
	resizing := func(kind corev1.PersistentVolumeClaimConditionType, message string) func(*corev1.PersistentVolumeClaim) {
		return func(claim *corev1.PersistentVolumeClaim) {
			claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("512Mi")}
			claim.Status.Conditions = []corev1.PersistentVolumeClaimCondition{{Type: kind, Status: corev1.ConditionTrue, Message: message}}
		}
	}
	for sentence, tc := range map[string]struct {
		claim *corev1.PersistentVolumeClaim
		want  string
	}{
		"nothing was read": {nil, "Unknown Progressing: the claim has not been looked at"},
		"it is bound":      {claimOf(corev1.ClaimBound, nil), "True Bound: the claim has its volume"},
		"its volume is gone": {
			claimOf(corev1.ClaimLost, nil),
			`False ClaimLost: the volume of PersistentVolumeClaim "main-fleet-state" is gone: restore it, or restore a backup of the state into a new claim`,
		},
		"somebody deletes it": {
			claimOf(corev1.ClaimBound, func(claim *corev1.PersistentVolumeClaim) { claim.DeletionTimestamp = ptr.To(metav1.Now()) }),
			`False ClaimLost: PersistentVolumeClaim "main-fleet-state" is being deleted and goes when the control plane's pod does: ` +
				"back up the state now if it is still wanted, then delete the pod",
		},
		"it waits for a volume without a class": {
			claimOf(corev1.ClaimPending, func(claim *corev1.PersistentVolumeClaim) { claim.Spec.StorageClassName = ptr.To("") }),
			`False ClaimPending: PersistentVolumeClaim "main-fleet-state" waits for a volume without a storage class, which somebody has to provide`,
		},
		"the node has to grow the file system": {
			claimOf(corev1.ClaimBound, resizing(corev1.PersistentVolumeClaimFileSystemResizePending, "waiting for user to (re-)start a pod")),
			`True Resizing: PersistentVolumeClaim "main-fleet-state" grows to 1Gi: the file system follows when the node mounts the volume again; ` +
				"delete the control plane's pod if it stays so",
		},
		"the driver cannot grow it": {
			claimOf(corev1.ClaimBound, resizing(corev1.PersistentVolumeClaimControllerResizeError, "no space left in the pool")),
			`True Resizing: PersistentVolumeClaim "main-fleet-state" grows to 1Gi, and its driver fails: no space left in the pool`,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			c := newConditions(nil, 3)
			setStorageBound(c, &fleetScope{fleet: fleetNamed("main"), claim: tc.claim})
			got := meta.FindStatusCondition(c.list, v1alpha1.ConditionStorageBound)
			if diff := cmp.Diff(tc.want, string(got.Status)+" "+got.Reason+": "+got.Message); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
