package manifests

import (
	"fmt"
	"net/url"
	"strconv"

	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// FleetTarget is the control plane that a bot joins, wherever it runs.
type FleetTarget struct {
	// Name of the ArgusFleet, or "" for an external control plane.
	Name string
	// URL that members post to, and the TCP port in it.
	URL  string
	Port int32
	// Token that members present.
	Token v1alpha1.SecretKeyRef
	// TokenFingerprint of that token, as the control plane's /api/config shows it; "" where
	// it is not known. What reads its token once restarts when it changes.
	TokenFingerprint string
	// ViewerToken with which the operator reads; nil means it cannot.
	ViewerToken *v1alpha1.SecretKeyRef
	// CA that an https control plane is verified by; nil means the public authorities.
	CA *v1alpha1.CARef
	// MetricPrefix that the control plane expects.
	MetricPrefix string
	// IntervalSeconds between heartbeats.
	IntervalSeconds int32
}

// TargetOf is an ArgusFleet as a bot sees it.
func TargetOf(fleet *v1alpha1.ArgusFleet) *FleetTarget {
	effective := FleetEffective(&fleet.Spec)
	target := &FleetTarget{
		Name:            fleet.Name,
		URL:             FleetURL(fleet),
		Port:            effective.Port,
		Token:           v1alpha1.SecretKeyRef{Name: FleetMemberSecretName(fleet.Name), Key: tokens.KeyToken},
		ViewerToken:     &v1alpha1.SecretKeyRef{Name: FleetViewerSecretName(fleet.Name), Key: tokens.KeyToken},
		MetricPrefix:    effective.MetricPrefix,
		IntervalSeconds: effective.HeartbeatIntervalSeconds,
	}
	if fleet.Spec.TLS != nil {
		target.CA = &v1alpha1.CARef{Kind: ptr.To(v1alpha1.CAInSecret), Name: fleet.Spec.TLS.SecretRef.Name, Key: keyCA}
	}
	if fleet.Status.Tokens != nil {
		target.TokenFingerprint = fleet.Status.Tokens.MemberFingerprint
	}
	return target
}

// field is where a bot's spec says part of its control plane, for messages.
func (t FleetTarget) field(part string) string {
	if t.Name != "" {
		return "spec.fleet"
	}
	return "spec.fleet.external." + part
}

// ExternalTarget is a control plane elsewhere as a bot sees it, or an error when
// its URL has no usable port.
func ExternalTarget(external *v1alpha1.ExternalFleet) (*FleetTarget, error) {
	port, err := portOf(external.URL)
	if err != nil {
		return nil, fmt.Errorf("spec.fleet.external.url: %w", err)
	}
	return &FleetTarget{
		URL:             external.URL,
		Port:            port,
		Token:           external.TokenSecretRef,
		ViewerToken:     external.ViewerTokenSecretRef,
		CA:              external.CARef,
		MetricPrefix:    or(external.MetricPrefix, fleetapi.DefaultMetricPrefix),
		IntervalSeconds: fleetapi.DefaultHeartbeatIntervalSeconds,
	}, nil
}

// portOf is the TCP port that a URL leads to.
func portOf(address string) (int32, error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, fmt.Errorf("%q cannot be parsed: write http://host[:port] or https://host[:port]", address)
	}
	port := map[string]int{"http": 80, "https": 443}[u.Scheme]
	if text := u.Port(); text != "" {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("%q has no usable port: write one from 1 to 65535", address)
	}
	return int32(port), nil //nolint:gosec // checked above
}
