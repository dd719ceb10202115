package controllers

import (
	"cmp"
	"fmt"
	"slices"

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
	if !held.isRetry() {
		status.URL, status.Image = manifests.FleetURL(s.asRun()), manifests.RunningFleetImage(s.deployment)
	}
	status.Tokens = tokensStatus(s, status.Tokens)
	status.LastHandled = lastHandled(s, status.LastHandled)
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
		setTokensRotated(conditions, s)
		setExposed(conditions, s, options)
		conditions.summarise(fleetReadiness(s, held).mention(s.fleet.Spec.Suspend))
	}
	status.Conditions = conditions.sorted()
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

func setReachable(c *conditions, s *fleetScope) {
	effective := manifests.FleetEffective(&s.fleet.Spec)
	ttl := effective.HeartbeatIntervalSeconds * effective.TTLFactor
	switch {
	case !s.answer.Asked && hasAnswered(s.fleet) && s.deployment != nil && c.current(v1alpha1.ConditionReachable):
		// Not asked yet by this process: what is known stays until the answer is there.
	case s.answer.Err != nil:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonUnreachable, s.answer.Err.Error())
	case s.answer.Status == nil && s.deployment == nil:
		c.set(v1alpha1.ConditionReachable, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "there is no control plane to ask yet")
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

// fleetReadiness is Ready when the control plane's pod is available, as the spec says.
func fleetReadiness(s *fleetScope, held *hold) readiness {
	switch {
	case held != nil:
		return held.readiness()
	case s.stands && available(s.deployment):
		return readiness{ok: true, reason: v1alpha1.ReasonAvailable, message: "the control plane is running" + absentKinds(s)}
	case s.missing != nil:
		return s.missing.readiness()
	case s.deployment == nil:
		return readiness{reason: v1alpha1.ReasonSuspended, message: "nothing has been made yet"}
	}
	found := troubleOf(s.deployment, s.pods, manifests.FleetContainer)
	switch {
	case found != nil && found.container == manifests.FleetContainer && found.exitCode == fleetapi.ExitStateLocked:
		return readiness{reason: v1alpha1.ReasonStateLocked, stalled: true, message: found.message}
	case found != nil:
		return readiness{reason: found.summary(), message: found.String()}
	case !s.stands:
		return readiness{reason: v1alpha1.ReasonSuspended, message: "the control plane stays as it was, and the spec asks for another"}
	}
	return readiness{reason: v1alpha1.ReasonProgressing, message: "the control plane's pod is starting"}
}
