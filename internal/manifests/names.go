package manifests

import (
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// The two kinds' objects end differently, so an ArgusFleet and an ArgusBot of
// the same name never want the same object.

// FleetName is the name of a control plane's Deployment, Service, ServiceAccount and NetworkPolicy.
func FleetName(fleet string) string { return fleet + "-fleet" }

// FleetClaimName is the name of a control plane's claim: the one that the spec names,
// or our own.
func FleetClaimName(fleet *v1alpha1.ArgusFleet) string {
	if existing := or(fleet.Spec.Storage, v1alpha1.FleetStorage{}).ExistingClaimRef; existing != nil {
		return existing.Name
	}
	return fleet.Name + "-fleet-state"
}

// FleetServerSecretName is the name of the Secret with all tokens of a control plane.
func FleetServerSecretName(fleet string) string { return fleet + "-fleet-server" }

// FleetTokenSecret is the name of the Secret that the control plane reads its tokens
// from: the user's own, or the server Secret.
func FleetTokenSecret(fleet *v1alpha1.ArgusFleet) string {
	if existing := or(fleet.Spec.Tokens, v1alpha1.FleetTokens{}).ExistingSecretRef; existing != nil {
		return existing.Name
	}
	return FleetServerSecretName(fleet.Name)
}

// FleetMemberSecretName is the name of the Secret with the token that bots present.
func FleetMemberSecretName(fleet string) string { return fleet + "-fleet-member" }

// FleetViewerSecretName is the name of the Secret with the token for people.
func FleetViewerSecretName(fleet string) string { return fleet + "-fleet-viewer" }

// BotName is the name of a bot's ServiceAccount and NetworkPolicy.
func BotName(bot string) string { return bot + "-bot" }

// BotClusterName is the name of a cluster's Deployment.
func BotClusterName(bot string, index int) string { return fmt.Sprintf("%s-bot-%d", bot, index) }

// Identity is the identity of a cluster in the control plane. It never comes from a pod's name.
func Identity(prefix string, index int) string { return prefix + "-" + strconv.Itoa(index) }

// IdentityStem is what the identities of all clusters of a bot begin with: an index
// follows.
func IdentityStem(bot *v1alpha1.ArgusBot) string {
	return BotEffective(bot, nil).IdentityPrefix + "-"
}

const (
	appFleet = "argus-fleet"
	appBot   = "argus-bot"

	labelName     = "app.kubernetes.io/name"
	labelInstance = "app.kubernetes.io/instance"
	labelPartOf   = "app.kubernetes.io/part-of"
	partOf        = "argus"
)

// FleetSelector selects the pods of a control plane. Selectors are immutable, so
// they hold neither a version nor anything that a user can set.
func FleetSelector(fleet string) map[string]string {
	return map[string]string{labelName: appFleet, v1alpha1.LabelFleet: fleet}
}

// BotSelector selects the pods of all clusters of a bot.
func BotSelector(bot string) map[string]string {
	return map[string]string{labelName: appBot, v1alpha1.LabelBot: bot}
}

// BotClusterSelector selects the pods of one cluster of a bot.
func BotClusterSelector(bot string, index int) map[string]string {
	return merge(BotSelector(bot), map[string]string{v1alpha1.LabelCluster: strconv.Itoa(index)})
}

// ManagedLabels select everything that the operator makes.
func ManagedLabels() map[string]string {
	return map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
}

func fleetLabels(fleet string) map[string]string {
	return merge(retainedLabels(fleet), map[string]string{labelInstance: fleet})
}

// retainedLabels are those of objects that outlive their ArgusFleet: without the
// instance label, by which Argo CD would take them for its own and prune them.
func retainedLabels(fleet string) map[string]string {
	return merge(FleetSelector(fleet), ManagedLabels(), map[string]string{labelPartOf: partOf})
}

func botLabels(bot string) map[string]string {
	return merge(BotSelector(bot), ManagedLabels(), map[string]string{labelPartOf: partOf, labelInstance: bot})
}

func botClusterLabels(bot string, index int) map[string]string {
	return merge(botLabels(bot), map[string]string{v1alpha1.LabelCluster: strconv.Itoa(index)})
}

// merge returns a new map; later maps win.
func merge(maps ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, m := range maps {
		for key, value := range m {
			merged[key] = value
		}
	}
	return merged
}

func objectMeta(name, namespace string, labels map[string]string, owner *metav1.OwnerReference) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels}
	if owner != nil {
		meta.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	return meta
}

// FleetOwner is the owner reference to an ArgusFleet.
func FleetOwner(fleet *v1alpha1.ArgusFleet) *metav1.OwnerReference {
	return metav1.NewControllerRef(fleet, v1alpha1.GroupVersion.WithKind(v1alpha1.KindArgusFleet))
}

// BotOwner is the owner reference to an ArgusBot.
func BotOwner(bot *v1alpha1.ArgusBot) *metav1.OwnerReference {
	return metav1.NewControllerRef(bot, v1alpha1.GroupVersion.WithKind(v1alpha1.KindArgusBot))
}
