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

// maxFleets that a status lists.
const maxFleets = 100

// deriveFleetStatus says in the status what the scope has read. What was not read
// this time keeps its last value, and a condition says so.
func deriveFleetStatus(s *fleetScope, held *hold, options manifests.Options) {
	status := &s.fleet.Status
	effective := manifests.FleetEffective(&s.fleet.Spec)
	status.ObservedGeneration = s.fleet.Generation
	status.Effective = &effective
	status.URL = manifests.FleetURL(s.fleet)
	status.Image = manifests.FleetImage(s.fleet, options)
	status.Tokens = &v1alpha1.FleetTokensStatus{
		ServerSecret: manifests.FleetServerSecretName(s.fleet.Name),
		MemberSecret: manifests.FleetMemberSecretName(s.fleet.Name),
		ViewerSecret: manifests.FleetViewerSecretName(s.fleet.Name),
	}
	status.Storage = storageStatus(s, status.Storage)
	if s.answer.Status != nil {
		observeFleets(status, s.answer.Status)
	}

	conditions := newConditions(status.Conditions, s.fleet.Generation)
	if held.isRetry() {
		conditions.retrying(held)
	} else {
		setStorageBound(conditions, s)
		setReachable(conditions, s)
		conditions.summarise(fleetReadiness(s, held))
	}
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

func observeFleets(status *v1alpha1.ArgusFleetStatus, seen *fleetapi.Status) {
	fleets := map[string]*v1alpha1.FleetCount{}
	total := v1alpha1.FleetCount{}
	for _, cluster := range seen.Clusters {
		fleet := fleets[cluster.Fleet]
		if fleet == nil {
			fleet = &v1alpha1.FleetCount{Name: cluster.Fleet}
			fleets[cluster.Fleet] = fleet
		}
		up := ones(cluster.Status == fleetapi.StatusUp)
		fleet.Up, fleet.Total = fleet.Up+up, fleet.Total+1
		total.Up, total.Total = total.Up+up, total.Total+1
	}
	status.Version = seen.Version
	status.Clusters = &v1alpha1.FleetClusters{Up: total.Up, Down: total.Total - total.Up, Total: total.Total}
	status.Display = &v1alpha1.FleetDisplay{Clusters: fmt.Sprintf("%d/%d", total.Up, total.Total)}
	status.Fleets = largestFleets(fleets)
}

// largestFleets lists at most 100 fleets, the largest first.
func largestFleets(fleets map[string]*v1alpha1.FleetCount) []v1alpha1.FleetCount {
	counts := make([]v1alpha1.FleetCount, 0, len(fleets))
	for _, fleet := range fleets {
		counts = append(counts, *fleet)
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

func setStorageBound(c *conditions, s *fleetScope) {
	claim := s.claim
	if claim == nil {
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the claim has not been looked at")
		return
	}
	difference := manifests.ClaimDifference(s.fleet, claim)
	switch {
	case claim.Status.Phase == corev1.ClaimLost:
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionFalse, v1alpha1.ReasonClaimLost,
			fmt.Sprintf("the volume of PersistentVolumeClaim %q is gone: restore it, or restore a backup of the state into a new claim", claim.Name))
	case claim.Status.Phase != corev1.ClaimBound:
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionFalse, v1alpha1.ReasonClaimPending,
			fmt.Sprintf("PersistentVolumeClaim %q waits for a volume", claim.Name))
	case difference != "":
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonClaimDiffers,
			fmt.Sprintf("PersistentVolumeClaim %q was there before and keeps its %s", claim.Name, difference))
	default:
		c.set(v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonBound, "the claim has its volume")
	}
}

func setReachable(c *conditions, s *fleetScope) {
	effective := manifests.FleetEffective(&s.fleet.Spec)
	ttl := effective.HeartbeatIntervalSeconds * effective.TTLFactor
	switch {
	case s.answer.Err != nil:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonUnreachable, s.answer.Err.Error())
	case s.answer.Status == nil:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the control plane is starting")
	case ttl < fleetapi.LeastTTLSeconds:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionTrue, v1alpha1.ReasonShortTTL, fmt.Sprintf(
			"the control plane answers; heartbeatIntervalSeconds x ttlFactor is %d s, below the %d s that argus-dpy members need, which always beat every 15 s",
			ttl, fleetapi.LeastTTLSeconds))
	default:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionTrue, v1alpha1.ReasonReadable, "the control plane answers")
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
	found := troubleOf(s.deployment, s.pods, true)
	switch {
	case found == nil:
		return readiness{reason: v1alpha1.ReasonProgressing, message: "the control plane's pod is starting"}
	case found.exitCode == fleetapi.ExitStateLocked:
		return readiness{reason: v1alpha1.ReasonStateLocked, stalled: true, message: found.message}
	default:
		return readiness{reason: v1alpha1.ReasonPodTrouble, message: found.reason + ": " + found.message}
	}
}
