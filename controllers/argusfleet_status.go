package controllers

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

const (
	maxFleets = 100
	// exitStateLocked is how a control plane ends that finds its state file held.
	exitStateLocked = 75
)

// deriveFleetStatus says in the status what the scope has read. What was not read
// this time keeps its last value, and a condition says so.
func deriveFleetStatus(s *fleetScope, held *hold, options manifests.Options) {
	status := &s.fleet.Status
	effective := manifests.FleetEffective(&s.fleet.Spec)
	status.ObservedGeneration = s.fleet.Generation
	status.Effective = &effective
	status.URL = manifests.FleetURL(s.fleet)
	status.Image = manifests.FleetImage(s.fleet, options)
	status.Tokens = &v1alpha1.FleetTokens{
		ServerSecret: manifests.FleetServerSecretName(s.fleet.Name),
		MemberSecret: manifests.FleetMemberSecretName(s.fleet.Name),
		ViewerSecret: manifests.FleetViewerSecretName(s.fleet.Name),
	}
	status.Storage = storageStatus(s, status.Storage)
	if s.summary != nil {
		observeSummary(status, s.summary)
	}

	conditions := newConditions(status.Conditions, s.fleet.Generation)
	setStorageBound(conditions, s.claim)
	setReachable(conditions, s)
	conditions.summarise(fleetReadiness(s, held))
	status.Conditions = conditions.sorted()
}

func storageStatus(s *fleetScope, old *v1alpha1.FleetStorageStatus) *v1alpha1.FleetStorageStatus {
	if s.claim == nil {
		return old
	}
	storage := &v1alpha1.FleetStorageStatus{ClaimName: s.claim.Name}
	if capacity, ok := s.claim.Status.Capacity[corev1.ResourceStorage]; ok {
		storage.Capacity = capacity.String()
	}
	return storage
}

func observeSummary(status *v1alpha1.ArgusFleetStatus, summary *fleetapi.Summary) {
	up, total := count(summary.ClustersUp), count(summary.ClustersTotal)
	status.Version = summary.Version
	status.Clusters = &v1alpha1.FleetClusters{Up: up, Down: total - up, Total: total}
	status.Display = &v1alpha1.FleetDisplay{Clusters: fmt.Sprintf("%d/%d", up, total)}
	status.Fleets = largestFleets(summary.Fleets)
}

// largestFleets lists at most 100 fleets, the largest first.
func largestFleets(fleets []fleetapi.FleetSummary) []v1alpha1.FleetCount {
	counts := make([]v1alpha1.FleetCount, 0, len(fleets))
	for _, fleet := range fleets {
		counts = append(counts, v1alpha1.FleetCount{Name: fleet.Name, Up: count(fleet.ClustersUp), Total: count(fleet.ClustersTotal)})
	}
	slices.SortFunc(counts, func(a, b v1alpha1.FleetCount) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
	})
	return counts[:min(len(counts), maxFleets)]
}

// count bounds a number from outside to what a status can hold.
func count(n int) int32 {
	return int32(min(max(n, 0), 1<<30))
}

func setStorageBound(c *conditions, claim *corev1.PersistentVolumeClaim) {
	if claim == nil {
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the claim has not been made yet")
		return
	}
	switch claim.Status.Phase {
	case corev1.ClaimBound:
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonBound, "the claim has its volume")
	case corev1.ClaimLost:
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionFalse, v1alpha1.ReasonClaimLost,
			fmt.Sprintf("the volume of PersistentVolumeClaim %q is gone: restore it, or restore a backup of the state into a new claim", claim.Name))
	default:
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionFalse, v1alpha1.ReasonClaimPending,
			fmt.Sprintf("PersistentVolumeClaim %q waits for a volume", claim.Name))
	}
}

func setReachable(c *conditions, s *fleetScope) {
	switch {
	case s.summary != nil:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionTrue, v1alpha1.ReasonReadable, "the control plane answers")
	case s.askedError != nil:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonUnreachable, s.askedError.Error())
	default:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the control plane has no running pod to ask")
	}
}

// fleetReadiness is Ready when the control plane's pod is available.
func fleetReadiness(s *fleetScope, held *hold) readiness {
	if held != nil {
		return held.readiness()
	}
	if available(s.deployment) {
		return readiness{ok: true, reason: v1alpha1.ReasonAvailable, message: "the control plane is running"}
	}
	found := troubleOf(s.deployment, s.pods)
	switch {
	case found == nil:
		return readiness{reason: v1alpha1.ReasonProgressing, message: "the control plane's pod is starting"}
	case found.exitCode == exitStateLocked:
		return readiness{reason: v1alpha1.ReasonStateLocked, stalled: true, message: found.message}
	default:
		return readiness{reason: v1alpha1.ReasonPodTrouble, message: found.reason + ": " + found.message}
	}
}
