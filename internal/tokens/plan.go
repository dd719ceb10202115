package tokens

import (
	"slices"
	"time"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// Request is what the spec and the annotations of an ArgusFleet ask for.
type Request struct {
	// Rotate and Drop are the values of argus.dev/rotate-tokens and argus.dev/drop-old-token.
	Rotate, Drop string
	// Period after which tokens rotate by themselves; 0 means never.
	Period time.Duration
	// Rest starts no rotation; one that is under way goes on.
	Rest bool
}

// Sight is what the control plane said when it was last read; the zero Sight is "nothing".
type Sight struct {
	// At is when that was.
	At time.Time
	// Tokens that it accepts; nil when it did not tell.
	Tokens *fleetapi.Tokens
	// Clusters that it knows.
	Clusters []fleetapi.ClusterStatus
}

// Timing is how patient a rotation is.
type Timing struct {
	// TTL after which a silent member is down. Nobody has used a token for twice that
	// long before it is dropped.
	TTL time.Duration
	// Grace beyond that is what users of the old token may take before they are named,
	// and before viewers, whom nobody can name, are no longer waited for.
	Grace time.Duration
}

// Step is a change of the server Secret, made in one write.
type Step string

// The steps of a rotation, in order, and Acknowledge, which is none of them: it
// remembers a wish to drop the old token at a time when there is none, so that it does
// not count for the next rotation.
const (
	StepNone        Step = ""
	StepAdd         Step = "Add"
	StepRoll        Step = "Roll"
	StepDrop        Step = "Drop"
	StepFinish      Step = "Finish"
	StepAcknowledge Step = "Acknowledge"
)

// Plan is how a rotation stands and what comes next.
type Plan struct {
	// Phase that the Secrets amount to.
	Phase v1alpha1.RotationPhase
	// Step to take now.
	Step Step
	// Forced: the step is taken although the old token is in use.
	Forced bool
	// Holders are the identities of the members that are known or must be taken to use
	// the old token, sorted. Only Rolling has any.
	Holders []string
	// Overdue: members have had the time to follow.
	Overdue bool
}

// leastFreshness is how old a sight may be to be acted upon, where the TTL is shorter.
const leastFreshness = 30 * time.Second

// Plan says how the rotation stands. It depends on its arguments alone, so it comes to
// the same after any crash.
func (v Vault) Plan(request Request, sight Sight, timing Timing, now time.Time) Plan {
	switch {
	case !v.Marks.open():
		return v.rest(request, now)
	case !v.stale():
		plan := Plan{Phase: v1alpha1.PhaseDropping}
		if v.forgotten(sight) {
			plan.Step = StepFinish
		}
		return plan
	case !v.handed():
		plan := Plan{Phase: v1alpha1.PhaseAdding}
		if v.accepted(sight) {
			plan.Step = StepRoll
		}
		return plan
	default:
		return v.rolling(request, sight, timing, now)
	}
}

// rest is the plan while no rotation is under way. A list that a person has changed is
// followed and never shortened.
func (v Vault) rest(request Request, now time.Time) Plan {
	plan := Plan{Phase: v1alpha1.PhaseStable}
	if !v.handed() {
		plan.Phase = v1alpha1.PhaseAdding
	}
	asked := request.Rotate != "" && request.Rotate != v.Marks.Rotate
	due := request.Period > 0 && now.Sub(v.Marks.RotatedAt) >= request.Period
	switch {
	case (asked || due) && !request.Rest:
		plan.Step = StepAdd
	case !asked && v.forces(request):
		plan.Step = StepAcknowledge
	}
	return plan
}

// forces tells whether a person wants the old token dropped whoever uses it.
func (v Vault) forces(request Request) bool {
	return request.Drop != "" && request.Drop != v.Marks.Drop
}

func (v Vault) rolling(request Request, sight Sight, timing Timing, now time.Time) Plan {
	patience := 2*timing.TTL + timing.Grace
	plan := Plan{
		Phase:   v1alpha1.PhaseRolling,
		Holders: v.holders(sight),
		Overdue: now.Sub(v.Marks.Since) >= patience,
		Forced:  v.forces(request),
	}
	if plan.Forced || v.unused(sight, timing, now) {
		plan.Step = StepDrop
	}
	return plan
}

// holders are the live members that present an old token. One whose token is not known,
// because it has not beaten since the control plane started, may be another.
func (v Vault) holders(sight Sight) []string {
	old := v.superseded(ingest())
	var found []string
	for _, cluster := range sight.Clusters {
		if cluster.Status == fleetapi.StatusUp && (cluster.Token == "" || slices.Contains(old, cluster.Token)) {
			found = append(found, cluster.Identity)
		}
	}
	slices.Sort(found)
	return found
}

// superseded are the fingerprints of the tokens of a list that are to go.
func (v Vault) superseded(k kind) []string {
	_, stale := v.parts(k)
	fingerprints := make([]string, 0, len(stale))
	for _, token := range stale {
		fingerprints = append(fingerprints, v.fingerprint(k.surface, token))
	}
	return fingerprints
}

// unused tells whether nobody has presented an old token for two TTLs, as the control
// plane saw it a moment ago. It may have started since, and then knows of nobody yet:
// so members must have been handed the new one for as long, too.
func (v Vault) unused(sight Sight, timing Timing, now time.Time) bool {
	quiet := 2 * timing.TTL
	rolled := sight.At.Sub(v.Marks.Since)
	if !v.accepted(sight) || rolled < quiet || now.Sub(sight.At) > max(timing.TTL, leastFreshness) || len(v.holders(sight)) > 0 {
		return false
	}
	viewersHave := rolled >= quiet+timing.Grace ||
		silent(sight.Tokens.Viewer, v.superseded(viewer()), quiet)
	return viewersHave && silent(sight.Tokens.Ingest, v.superseded(ingest()), quiet)
}

// silent tells whether none of the fingerprints was used for as long as quiet.
func silent(infos []fleetapi.TokenInfo, fingerprints []string, quiet time.Duration) bool {
	for _, fingerprint := range fingerprints {
		info := find(infos, fingerprint)
		if info != nil && info.LastUsedAgeSeconds != nil && *info.LastUsedAgeSeconds < quiet.Seconds() {
			return false
		}
	}
	return true
}

// forgotten tells whether the control plane accepts none of the old tokens any more.
func (v Vault) forgotten(sight Sight) bool {
	if sight.Tokens == nil || !sight.At.After(v.Marks.Since) {
		return false
	}
	// What a person has put back stays in force, and is not waited for.
	gone := v.gone()
	left := func(info fleetapi.TokenInfo) bool { return slices.Contains(gone, info.Fingerprint) }
	return !slices.ContainsFunc(sight.Tokens.Ingest, left) && !slices.ContainsFunc(sight.Tokens.Viewer, left)
}

// gone are the superseded fingerprints of which no list has the token any more.
func (v Vault) gone() []string {
	var present []string
	for _, k := range kinds() {
		for _, token := range List(v.Server[k.key]) {
			present = append(present, v.fingerprint(k.surface, token))
		}
	}
	return slices.DeleteFunc(slices.Clone(v.Marks.Superseded), func(fingerprint string) bool {
		return slices.Contains(present, fingerprint)
	})
}
