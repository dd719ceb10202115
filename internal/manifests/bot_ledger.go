package manifests

import (
	"crypto/sha256"
	"encoding/hex"

	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// IdentifyLedgerKey is the key of the ConfigMap that holds the ledger.
const IdentifyLedgerKey = "ledger"

// IdentifyLedger keeps what a Discord token has spent of its session starts. All
// bots of the namespace with the same token Secret and key share it, so it has no
// owner: Discord does not forget either when an ArgusBot is deleted.
func IdentifyLedger(bot *v1alpha1.ArgusBot) *corev1.ConfigMap {
	ref := bot.Spec.Discord.TokenSecretRef
	sum := sha256.Sum256([]byte(ref.Name + "\x00" + ref.Key))
	labels := merge(ManagedLabels(), map[string]string{labelName: appBot, labelPartOf: partOf})
	config := &corev1.ConfigMap{
		ObjectMeta: objectMeta("argus-identify-"+hex.EncodeToString(sum[:5]), bot.Namespace, labels, nil),
	}
	config.Annotations = argoKeep()
	return config
}
