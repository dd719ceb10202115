package manifests

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// annotationSecrets on a pod is the digest of the Secrets that the spec names, so that
// a change of one makes it another pod.
const annotationSecrets = "argus.dev/secrets"

// FollowsSecrets tells whether a change of a Secret that the spec names replaces the pods.
func FollowsSecrets(bot *v1alpha1.ArgusBot) bool {
	return or(or(bot.Spec.Rollout, v1alpha1.Rollout{}).OnSecretChange, v1alpha1.SecretChangeIgnored) == v1alpha1.SecretChangeRollout
}

// FollowedSecrets are the secrets whose change replaces the pods: those that the spec
// itself names. The first is the Discord token.
func FollowedSecrets(bot *v1alpha1.ArgusBot, fleet *FleetTarget) BotSecretList {
	var followed BotSecretList
	for _, secret := range BotSecrets(bot, fleet) {
		// The member token of an ArgusFleet is rotated by the operator, which sees to it that bots follow.
		if ours := fleet != nil && fleet.Name != "" && secret.Ref == fleet.Token; secret.env != "" && !ours {
			followed = append(followed, secret)
		}
	}
	return followed
}

// SecretDigest is a digest of secret values, the Discord token first. That is the key
// of it, so that a guess at the others cannot be tried out on what a Deployment shows.
func SecretDigest(values [][]byte) string {
	if len(values) == 0 {
		return ""
	}
	sum := hmac.New(sha256.New, values[0])
	for _, value := range values {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(value)))
		sum.Write(size[:])
		sum.Write(value)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// SecretDigestOf is the digest that a Deployment's pods were made with, or "".
func SecretDigestOf(deployment *appsv1.Deployment) string {
	return deployment.Spec.Template.Annotations[annotationSecrets]
}
