package fleetserver

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/analytics"
)

// ConfigFromEnv reads the configuration from an environment, as os.LookupEnv
// offers it. readFile (os.ReadFile if nil) reads the files that NAME_FILE
// variables name. A wrong value is an error of one line that names the variable
// and the value; the value of a secret is never in it.
func ConfigFromEnv(lookup func(string) (string, bool), readFile func(string) ([]byte, error)) (Config, error) {
	if readFile == nil {
		readFile = os.ReadFile
	}
	e := &environment{lookup: lookup, readFile: readFile}
	at := e.listener()
	c := Config{
		Host:         at.Host,
		Port:         at.Port,
		TLSCertFile:  at.TLSCertFile,
		TLSKeyFile:   at.TLSKeyFile,
		Insecure:     e.boolean(fleetapi.EnvFleetInsecure),
		Token:        e.tokens(fleetapi.EnvFleetToken),
		IngestToken:  e.tokens(fleetapi.EnvFleetIngestToken),
		ViewerToken:  e.tokens(fleetapi.EnvFleetViewerToken),
		AdminToken:   e.tokens(fleetapi.EnvFleetAdminToken),
		SecretPepper: e.secret(fleetapi.EnvFleetSecretPepper),
		StatePath:    e.text(fleetapi.EnvFleetState, DefaultState),
		Namespace:    e.matching(fleetapi.EnvMetricPrefix, fleetapi.DefaultMetricPrefix, `^[a-zA-Z_:][a-zA-Z0-9_:]*$`, "a metric prefix: letters, digits and _"),

		HeartbeatInterval: e.seconds(fleetapi.EnvFleetHeartbeatInterval, fleetapi.DefaultHeartbeatIntervalSeconds, 3600),
		TTLFactor:         e.integer(fleetapi.EnvFleetTTLFactor, fleetapi.DefaultTTLFactor, 1, 1000),
		RequireLease:      e.boolean(fleetapi.EnvFleetRequireLease),
		MaxClusters:       e.integer(fleetapi.EnvFleetMaxClusters, defaultMaxClusters, 1, 1_000_000),
		Retention:         24 * time.Hour * time.Duration(e.integer(fleetapi.EnvFleetRetentionDays, 0, 0, 36_500)),

		MaxBodyBytes:   int64(e.integer(fleetapi.EnvFleetMaxBodyBytes, defaultMaxBodyBytes, 1, maxMaxBodyBytes)),
		ViewCache:      time.Millisecond * time.Duration(e.integer(fleetapi.EnvFleetViewCacheMillis, int(defaultViewCache.Milliseconds()), 0, 3_600_000)),
		RegisterBurst:  e.integer(fleetapi.EnvFleetRegisterBurst, defaultRegisterBurst, 1, 1_000_000),
		HeartbeatBurst: e.integer(fleetapi.EnvFleetHeartbeatBurst, defaultHeartbeatBurst, 1, 1_000_000),
		ReadBurst:      e.integer(fleetapi.EnvFleetReadBurst, defaultReadBurst, 1, 1_000_000),

		CORSOrigins:  e.list(fleetapi.EnvFleetCORSOrigins),
		TrustedProxy: e.boolean(fleetapi.EnvFleetTrustedProxy),
		AuditLog:     e.boolean(fleetapi.EnvFleetAuditLog),
		LogFormat:    e.matching(fleetapi.EnvFleetLogFormat, "text", `^(text|json)$`, "text or json"),

		PrometheusURL:    e.url(fleetapi.EnvFleetPrometheusURL),
		PrometheusToken:  e.secret(fleetapi.EnvFleetPrometheusToken),
		PrometheusCAFile: e.text(fleetapi.EnvFleetPrometheusCAFile, ""),
		ClickHouse:       e.clickHouse(fleetapi.EnvFleetClickHouseDSN),
	}
	if e.text(fleetapi.EnvFleetState, "") == "" {
		c.LegacyState = legacyState
	}
	c.TrustedProxies = e.prefixes(fleetapi.EnvFleetTrustedProxies)
	c.ScrapeAllow = e.scrapeAllow(fleetapi.EnvFleetScrapeAllow)
	e.origins(fleetapi.EnvFleetCORSOrigins, c.CORSOrigins)
	return c, e.err
}

// ListenerFromEnv reads only where a control plane with this environment
// listens: host, port and whether by TLS. It reads no file.
func ListenerFromEnv(lookup func(string) (string, bool)) (Config, error) {
	e := &environment{lookup: lookup}
	c := e.listener()
	return c, e.err
}

func (e *environment) listener() Config {
	c := Config{
		Host:        e.text(fleetapi.EnvFleetHost, defaultHost),
		Port:        e.integer(fleetapi.EnvFleetPort, fleetapi.DefaultFleetPort, 0, 65535),
		TLSCertFile: e.text(fleetapi.EnvFleetTLSCertFile, ""),
		TLSKeyFile:  e.text(fleetapi.EnvFleetTLSKeyFile, ""),
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		e.fail(fleetapi.EnvFleetTLSCertFile, c.TLSCertFile, "set together with "+fleetapi.EnvFleetTLSKeyFile+", or not at all")
	}
	return c
}

// clickHouse never says the value: it may hold a password.
func (e *environment) clickHouse(name string) *analytics.DSN {
	secret := e.secret(name)
	if secret.Value == "" {
		return nil
	}
	if secret.File != "" {
		name += fleetapi.FileSuffix
	}
	dsn, err := analytics.ParseDSN(secret.Value)
	if err != nil {
		e.refuse(fmt.Errorf("%s=(not shown): %w", name, err))
		return nil
	}
	return &dsn
}

func (e *environment) url(name string) string {
	value := e.text(name, "")
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err == nil && u.User != nil {
		value = u.Redacted() // its password is a secret
	}
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		e.refuse(fmt.Errorf("%s=%s: must be http://host or https://host, without credentials", name, fleetapi.QuoteURL(value)))
	}
	return value
}

func (e *environment) origins(name string, origins []string) {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			e.fail(name, origin, "a list of origins such as https://status.example, never *")
		}
	}
}

func (e *environment) prefixes(name string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, item := range e.list(name) {
		prefix, ok := parsePrefix(item)
		if !ok {
			e.fail(name, item, "a list of addresses or CIDR ranges")
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

func (e *environment) scrapeAllow(name string) ScrapeAllow {
	var allow ScrapeAllow
	suffix := regexp.MustCompile(`^\.?[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*$`)
	for _, item := range e.list(name) {
		if prefix, ok := parsePrefix(item); ok {
			allow.Prefixes = append(allow.Prefixes, prefix)
			continue
		}
		if !suffix.MatchString(item) {
			e.fail(name, item, "a list of CIDR ranges and name suffixes")
		}
		allow.Suffixes = append(allow.Suffixes, item)
	}
	return allow
}

func parsePrefix(item string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(item); err == nil {
		return prefix.Masked(), true
	}
	if address, err := netip.ParseAddr(item); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	return netip.Prefix{}, false
}
