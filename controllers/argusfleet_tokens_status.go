package controllers

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// maxNamed is how many members a message names.
const maxNamed = 5

// tokensStatus names the Secrets, and tells the phase of what was read of them.
func tokensStatus(s *fleetScope, old *v1alpha1.FleetTokensStatus) *v1alpha1.FleetTokensStatus {
	status := &v1alpha1.FleetTokensStatus{
		ServerSecret: manifests.FleetTokenSecret(s.fleet),
		MemberSecret: manifests.FleetMemberSecretName(s.fleet.Name),
		ViewerSecret: manifests.FleetViewerSecretName(s.fleet.Name),
	}
	switch {
	case s.rotation != nil:
		status.Phase = s.rotation.Phase
		status.MemberFingerprint = s.vault.MemberFingerprint(s.vault.Member)
	case old != nil:
		status.Phase, status.MemberFingerprint = old.Phase, old.MemberFingerprint
	}
	return status
}

// memberFingerprint names the token that the members of a fleet are handed; "" while
// there is none.
func memberFingerprint(fleet *v1alpha1.ArgusFleet) string {
	if fleet.Status.Tokens == nil {
		return ""
	}
	return fleet.Status.Tokens.MemberFingerprint
}

// lastHandled tells which wishes were acted upon, as the server Secret remembers them.
func lastHandled(s *fleetScope, old *v1alpha1.FleetLastHandled) *v1alpha1.FleetLastHandled {
	if s.rotation == nil {
		return old
	}
	marks := s.vault.Marks
	if marks.Rotate == "" && marks.Drop == "" {
		return nil
	}
	return &v1alpha1.FleetLastHandled{RotateTokens: marks.Rotate, DropOldToken: marks.Drop}
}

func setTokensRotated(c *conditions, s *fleetScope) {
	const kind = v1alpha1.ConditionTokensRotated
	if old := s.tokensOfOld(); old != "" {
		c.set(kind, metav1.ConditionFalse, v1alpha1.ReasonWaiting, fmt.Sprintf(
			"the control plane still runs with the tokens of Secret %q, which stay handed out until it runs with those of %q",
			old, manifests.FleetTokenSecret(s.fleet)))
		return
	}
	if s.rotation == nil {
		c.set(kind, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the tokens have not been looked at")
		return
	}
	existing := existingTokens(s.fleet)
	switch phase := s.rotation.Phase; {
	case phase == v1alpha1.PhaseStable && existing != "":
		c.set(kind, metav1.ConditionTrue, v1alpha1.ReasonStable, fmt.Sprintf("the first tokens of Secret %q are handed out", existing))
	case phase == v1alpha1.PhaseStable:
		c.set(kind, metav1.ConditionTrue, v1alpha1.ReasonStable, "the newest tokens are handed out, and no rotation is under way")
	case phase == v1alpha1.PhaseAdding:
		c.set(kind, metav1.ConditionFalse, v1alpha1.ReasonAdding, "the control plane is to accept the new tokens beside the old ones before they are handed out")
	case phase == v1alpha1.PhaseDropping:
		c.set(kind, metav1.ConditionFalse, v1alpha1.ReasonDropping, "the control plane is to forget the old tokens")
	case s.rotation.Overdue && len(s.rotation.Holders) > 0:
		c.set(kind, metav1.ConditionFalse, v1alpha1.ReasonOldTokenInUse, fmt.Sprintf(
			"the old token is still used by %s: restart them or hand them the new one, or set the annotation %s to a new value to drop it all the same",
			named(s.rotation.Holders), v1alpha1.AnnotationDropOldToken))
	default:
		c.set(kind, metav1.ConditionFalse, v1alpha1.ReasonRolling, fmt.Sprintf(
			"the new tokens are handed out; the old ones go when nobody has used them for %d s", int(2*fleetTTL(s.fleet).Seconds())))
	}
}

// named lists the first few identities.
func named(identities []string) string {
	if len(identities) <= maxNamed {
		return strings.Join(identities, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(identities[:maxNamed], ", "), len(identities)-maxNamed)
}
