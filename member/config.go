package member

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	// A control plane refuses longer names, and names with control characters.
	maxIdentityRunes = 128
	maxGroupRunes    = 63

	// defaultStateDir is the original member's: the working directory.
	defaultStateDir = "."
)

// LookupFunc returns an environment variable and whether it is set, as
// os.LookupEnv does.
type LookupFunc func(name string) (value string, set bool)

// ReadFileFunc returns a file's content, as os.ReadFile does.
type ReadFileFunc func(path string) ([]byte, error)

// Config says which fleet a member joins, and as whom.
type Config struct {
	// URL is the control plane's address, http or https, with an optional path
	// prefix; empty means that there is no fleet and Run does nothing.
	URL string
	// Token returns the bearer token for the next call, or "" for none; nil
	// means none. It is asked for each call, so a rotated token is followed.
	Token func() (string, error)
	// CAFile names a PEM file of the authorities that an https control plane is
	// verified by, read again when it changes; empty means the system's.
	CAFile string
	// Group is the fleet (region) the member is listed under.
	Group string
	// Identity names the member for ever. Empty means a random one, kept in
	// StateDir.
	Identity string
	// StateDir keeps the lease and a random identity over restarts; empty means
	// that nothing is kept.
	StateDir string
	// ScrapeTarget is the host:port that Prometheus may scrape; empty means none.
	ScrapeTarget string
	// MetricPrefix is the prefix of the host's metrics; the control plane's must be equal.
	MetricPrefix string

	readFile ReadFileFunc
}

// ConfigFromEnv reads the ARGUS_FLEET_* environment of a member. An empty
// variable counts as unset. Secrets are not read yet, only where they come
// from is remembered. The error joins one line for each wrong variable, which it
// names; the Config beside it is safe to use and joins no fleet.
func ConfigFromEnv(lookup LookupFunc, readFile ReadFileFunc) (Config, error) {
	get := func(name, fallback string) string {
		if value, _ := lookup(name); value != "" {
			return value
		}
		return fallback
	}
	config := Config{
		URL:          get(fleetapi.EnvMemberFleetURL, ""),
		Token:        SecretFromEnv(lookup, readFile, fleetapi.EnvFleetToken),
		CAFile:       get(fleetapi.EnvMemberFleetCAFile, ""),
		Group:        get(fleetapi.EnvMemberFleetGroup, fleetapi.DefaultFleet),
		Identity:     get(fleetapi.EnvMemberFleetID, get(fleetapi.EnvMemberClusterID, "")),
		StateDir:     get(fleetapi.EnvMemberStateDir, defaultStateDir),
		ScrapeTarget: get(fleetapi.EnvMemberScrapeTarget, ""),
		MetricPrefix: get(fleetapi.EnvMetricPrefix, fleetapi.DefaultMetricPrefix),
		readFile:     readFile,
	}
	if err := config.validate(get); err != nil {
		config.URL = ""
		if checkPrefix("", config.MetricPrefix) != nil {
			config.MetricPrefix = fleetapi.DefaultMetricPrefix
		}
		return config, err
	}
	return config, nil
}

// validate names the variable of each wrong value. A scrape target is left to
// the control plane: a wrong one must not keep a bot out of its fleet.
func (c Config) validate(get func(name, fallback string) string) error {
	identityName := fleetapi.EnvMemberClusterID
	if get(fleetapi.EnvMemberFleetID, "") != "" {
		identityName = fleetapi.EnvMemberFleetID
	}
	return errors.Join(
		checkURL(fleetapi.EnvMemberFleetURL, c.URL),
		checkName(identityName, c.Identity, maxIdentityRunes),
		checkName(fleetapi.EnvMemberFleetGroup, c.Group, maxGroupRunes),
		checkPrefix(fleetapi.EnvMetricPrefix, c.MetricPrefix),
	)
}

// Enabled reports whether there is a fleet to join.
func (c Config) Enabled() bool { return c.URL != "" }

func (c Config) token() (string, error) {
	if c.Token == nil {
		return "", nil
	}
	token, err := c.Token()
	if err != nil {
		return "", &credentialError{err}
	}
	return token, nil
}

func (c Config) read(path string) ([]byte, error) {
	if c.readFile == nil {
		return os.ReadFile(path)
	}
	return c.readFile(path)
}

func checkURL(name, value string) error {
	if value == "" {
		return nil
	}
	if _, err := fleetapi.NewClient(value, fleetapi.ClientOptions{}); err != nil {
		return fmt.Errorf("%s=%s: %w", name, fleetapi.QuoteURL(value), err)
	}
	return nil
}

func checkName(name, value string, maxRunes int) error {
	switch {
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("%s=%q: must be UTF-8 without control characters", name, value)
	case utf8.RuneCountInString(value) > maxRunes:
		return fmt.Errorf("%s=%.40q...: must have at most %d characters", name, value, maxRunes)
	}
	return nil
}

func checkPrefix(name, value string) error {
	if !regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`).MatchString(value) {
		return fmt.Errorf("%s=%q: must be a metric name (letters, digits, _ and :, no digit first)", name, value)
	}
	return nil
}
