package manifests

import (
	"fmt"
	"net/url"
	"strconv"

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
	// ViewerToken with which the operator reads; nil means it cannot.
	ViewerToken *v1alpha1.SecretKeyRef
	// MetricPrefix that the control plane expects.
	MetricPrefix string
	// IntervalSeconds between heartbeats.
	IntervalSeconds int32
}

// TargetOf is an ArgusFleet as a bot sees it.
func TargetOf(fleet *v1alpha1.ArgusFleet) *FleetTarget {
	effective := FleetEffective(&fleet.Spec)
	return &FleetTarget{
		Name:            fleet.Name,
		URL:             FleetURL(fleet),
		Port:            effective.Port,
		Token:           v1alpha1.SecretKeyRef{Name: FleetMemberSecretName(fleet.Name), Key: tokens.KeyToken},
		ViewerToken:     &v1alpha1.SecretKeyRef{Name: FleetViewerSecretName(fleet.Name), Key: tokens.KeyToken},
		MetricPrefix:    effective.MetricPrefix,
		IntervalSeconds: effective.HeartbeatIntervalSeconds,
	}
}

// ExternalTarget is a control plane elsewhere as a bot sees it, or an error when
// its URL has no usable port.
func ExternalTarget(external *v1alpha1.ExternalFleet) (*FleetTarget, error) {
	u, err := url.Parse(external.URL)
	if err != nil {
		return nil, fmt.Errorf("spec.fleet.external.url %q cannot be parsed: write http://host[:port] or https://host[:port]", external.URL)
	}
	port := map[string]int{"http": 80, "https": 443}[u.Scheme]
	if text := u.Port(); text != "" {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 1 || port > 65535 {
		return nil, fmt.Errorf("spec.fleet.external.url %q has no usable port: write one from 1 to 65535", external.URL)
	}
	return &FleetTarget{
		URL:             external.URL,
		Port:            int32(port), //nolint:gosec // checked above
		Token:           external.TokenSecretRef,
		ViewerToken:     external.ViewerTokenSecretRef,
		MetricPrefix:    or(external.MetricPrefix, fleetapi.DefaultMetricPrefix),
		IntervalSeconds: fleetapi.DefaultHeartbeatIntervalSeconds,
	}, nil
}
