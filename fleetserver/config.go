package fleetserver

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/access"
	"github.com/argus-dev/argus-operator/fleetserver/analytics"
)

// Defaults that are not shared with the members.
const (
	// DefaultState is the state file of a control plane that is told no other.
	DefaultState          = "argus-fleet-state.db"
	legacyState           = "argus-fleet-state.json"
	defaultHost           = "0.0.0.0"
	defaultMaxBodyBytes   = 1 << 20
	defaultMaxClusters    = 5000
	defaultRegisterBurst  = 600
	defaultHeartbeatBurst = 60
	defaultReadBurst      = 120
	defaultViewCache      = time.Second
	// maxMaxBodyBytes keeps a few of the largest bodies within the budget of all.
	maxMaxBodyBytes = maxInFlightBytes / 8
	// maxFleets caps the regions with entries, because each is a metric label.
	maxFleets = 500
	// retiredPerCluster is how many retired identities are remembered for each
	// cluster that may be listed.
	retiredPerCluster = 10
	leastTTL          = fleetapi.LeastTTLSeconds * time.Second
)

// Config is everything that a control plane can be told. The zero value is not
// usable; ConfigFromEnv fills in the defaults.
type Config struct {
	// Version is what /api/config and the build metric say.
	Version string

	Host string
	Port int
	// TLSCertFile and TLSKeyFile turn on HTTPS, both or neither.
	TLSCertFile, TLSKeyFile string
	// Insecure permits a public bind without tokens.
	Insecure bool

	// Token opens ingest and viewer unless they have their own; all may be
	// comma lists. AdminToken has nothing to fall back to.
	Token, IngestToken, ViewerToken, AdminToken access.Secret
	// SecretPepper keys lease digests and token fingerprints.
	SecretPepper access.Secret

	// StatePath is the state file; its lock stands beside it.
	StatePath string
	// LegacyState is argus-dpy's default state, imported when StatePath does not
	// exist; "" when a path was configured.
	LegacyState string
	// Namespace is the metric prefix, without the underscore.
	Namespace string

	HeartbeatInterval time.Duration
	TTLFactor         int
	RequireLease      bool
	MaxClusters       int
	// Retention is how long a down cluster is listed; 0 means for ever.
	Retention time.Duration

	MaxBodyBytes   int64
	ViewCache      time.Duration
	RegisterBurst  int
	HeartbeatBurst int
	ReadBurst      int

	CORSOrigins []string
	// TrustedProxies may name the client in X-Forwarded-For; TrustedProxy
	// trusts whoever is connected.
	TrustedProxies []netip.Prefix
	TrustedProxy   bool
	ScrapeAllow    ScrapeAllow

	AuditLog bool
	// LogFormat is "text" or "json".
	LogFormat string

	// PrometheusURL names the Prometheus whose values go before pushed ones; ""
	// for none. The token is sent as bearer token, and PrometheusCAFile is what
	// an https server is verified by in place of the system's authorities.
	PrometheusURL    string
	PrometheusToken  access.Secret
	PrometheusCAFile string
	// ClickHouse is asked about single guilds; nil means that nobody is.
	ClickHouse *analytics.DSN
}

// TTL is how long a silent cluster counts as up.
func (c Config) TTL() time.Duration { return c.HeartbeatInterval * time.Duration(c.TTLFactor) }

// Address is what the control plane listens on.
func (c Config) Address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// TLS reports whether the control plane speaks HTTPS.
func (c Config) TLS() bool { return c.TLSCertFile != "" }

func (c Config) surfaces() []access.Surface {
	return []access.Surface{
		{Name: fleetapi.SurfaceIngest, Secrets: []access.Secret{c.IngestToken, c.Token}},
		{Name: fleetapi.SurfaceViewer, Secrets: []access.Secret{c.ViewerToken, c.Token}},
		{Name: fleetapi.SurfaceAdmin, Secrets: []access.Secret{c.AdminToken}},
	}
}

// CheckBind refuses to listen beyond this machine without tokens for both
// surfaces. It is the first thing that a start does.
func (c Config) CheckBind() error {
	if c.Insecure || c.Host == "127.0.0.1" || c.Host == "::1" || c.Host == "localhost" {
		return nil
	}
	for _, surface := range c.surfaces() {
		if surface.Name != fleetapi.SurfaceAdmin && len(surface.Tokens()) == 0 {
			return fmt.Errorf("refusing to bind %s without a token for the %s surface: set %s, or %s and %s, or bind 127.0.0.1, or set %s=1",
				c.Address(), surface.Name, fleetapi.EnvFleetToken, fleetapi.EnvFleetIngestToken, fleetapi.EnvFleetViewerToken, fleetapi.EnvFleetInsecure)
		}
	}
	return nil
}

// ViewerCredential is the token for asking a control plane with this
// environment as its viewer, or "".
func (c Config) ViewerCredential() string {
	for _, surface := range c.surfaces() {
		if tokens := surface.Tokens(); surface.Name == fleetapi.SurfaceViewer && len(tokens) > 0 {
			return tokens[0]
		}
	}
	return ""
}

// Warnings are settings that work and are probably not meant.
func (c Config) Warnings() []string {
	var warnings []string
	if c.TTL() < leastTTL {
		warnings = append(warnings, fmt.Sprintf("%s x %s is %s: argus-dpy members beat every 15 s and will be shown down and up in turn; %s or more is safe",
			fleetapi.EnvFleetHeartbeatInterval, fleetapi.EnvFleetTTLFactor, c.TTL(), leastTTL))
	}
	if c.ClickHouse != nil && c.ViewerCredential() == "" {
		warnings = append(warnings, fmt.Sprintf("%s is set without a viewer token: questions about guilds stay unanswered until %s or %s is set",
			fleetapi.EnvFleetClickHouseDSN, fleetapi.EnvFleetViewerToken, fleetapi.EnvFleetToken))
	}
	return warnings
}
