package manifests

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// FleetServerSecret holds the control plane's own tokens. It is kept with the
// state: the pepper in it is what makes the leases in the state file valid. It is
// only ever created, never applied over.
func FleetServerSecret(fleet *v1alpha1.ArgusFleet, data map[string][]byte) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: objectMeta(FleetServerSecretName(fleet.Name), fleet.Namespace, retainedLabels(fleet.Name), nil),
		Type:       corev1.SecretTypeOpaque,
		Data:       data,
	}
	keepOrOwn(fleet, secret)
	return secret
}

// FleetMemberSecret holds the one token that bots see.
func FleetMemberSecret(fleet *v1alpha1.ArgusFleet, server map[string][]byte) *corev1.Secret {
	return derivedSecret(fleet, FleetMemberSecretName(fleet.Name), server[tokens.KeyIngest])
}

// FleetViewerSecret holds the one token that people and dashboards see.
func FleetViewerSecret(fleet *v1alpha1.ArgusFleet, server map[string][]byte) *corev1.Secret {
	return derivedSecret(fleet, FleetViewerSecretName(fleet.Name), server[tokens.KeyViewer])
}

func derivedSecret(fleet *v1alpha1.ArgusFleet, name string, list []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: objectMeta(name, fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet)),
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{tokens.KeyToken: []byte(tokens.First(list))},
	}
}
