package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
)

// initOptions are the flags of init. No token is among them: a command line can
// be read by everybody on the machine.
type initOptions struct {
	directory, image           string
	host, port, namespace      string
	prometheusURL, corsOrigins string
	publicURL, group           string
	showTokens, reuseTokens    bool
	kubernetes                 bool
	name                       string
}

func initCommand() *cobra.Command {
	var o initOptions
	command := &cobra.Command{
		Use: "init", Short: "Write what a new control plane is started with", Args: noArguments,
		Long: "Write " + envFileName + " and " + composeFileName + ", with new tokens, for a control plane in Docker Compose, and say how to go on. " +
			"Files that exist are never overwritten, and tokens are written but not printed.\n\n" +
			"With --kubernetes print an ArgusFleet and the Secret with its tokens instead: the tokens are in the output, so send it to kubectl or to a file that others cannot read.",
		Example: "  argus-fleet init --out-dir /srv/argus --public-url https://fleet.example\n" +
			"  argus-fleet init --kubernetes --name main | kubectl apply --server-side -n argus -f -",
		RunE: func(cmd *cobra.Command, _ []string) error { return quiet(initialise(o, cmd.OutOrStdout())) },
	}
	flags := command.Flags()
	flags.StringVar(&o.directory, "out-dir", ".", "directory that the files are written to")
	flags.StringVar(&o.image, "image", defaultImage(), "image of the control plane, with a tag other than latest or a digest")
	flags.StringVar(&o.host, "host", "0.0.0.0", "address to listen on, within the container")
	flags.StringVar(&o.port, "port", "9190", "port to listen on and to publish")
	flags.StringVar(&o.namespace, "namespace", fleetapi.DefaultMetricPrefix, "metric prefix of the bots")
	flags.StringVar(&o.prometheusURL, "prometheus-url", "", "Prometheus that scrapes the bots, such as http://prometheus:9090")
	flags.StringVar(&o.corsOrigins, "cors-origins", "", "origins of pages elsewhere that may read the control plane, separated by commas")
	flags.StringVar(&o.publicURL, "public-url", "http://fleet-host:9190", "address that bots and Prometheus reach the control plane at")
	flags.StringVar(&o.group, "group", fleetapi.DefaultFleet, "fleet of the bots, in the lines for their environment")
	flags.BoolVar(&o.showTokens, "show-tokens", false, "print the tokens too")
	flags.BoolVar(&o.reuseTokens, "reuse-tokens", false, "take the tokens of this environment (ARGUS_FLEET_TOKEN and so on, or their _FILE) where it has any")
	flags.BoolVar(&o.kubernetes, "kubernetes", false, "print manifests for the operator instead of writing files")
	flags.StringVar(&o.name, "name", "main", "name of the ArgusFleet, with --kubernetes")
	for _, other := range []string{"out-dir", "image", "host", "prometheus-url", "cors-origins", "public-url", "group", "show-tokens"} {
		command.MarkFlagsMutuallyExclusive("kubernetes", other)
	}
	return command
}

// defaultImage is this very version; a development build has none.
func defaultImage() string {
	if version == "dev" {
		return ""
	}
	return "ghcr.io/argus-dev/argus-fleet:" + version
}

func initialise(o initOptions, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	secrets, err := newSecrets(o.reuseTokens)
	if err != nil {
		return err
	}
	if o.kubernetes {
		return printManifests(o, secrets, out)
	}
	return writeCompose(o, secrets, out)
}

// check names the flag whose value would not work.
func (o initOptions) check() error {
	host := regexp.MustCompile(`^[0-9A-Za-z.:_-]+$`)
	pinned := regexp.MustCompile(`^[^\s@]+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[a-f0-9]{64})$`)
	name := regexp.MustCompile(`^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$`)
	_, urlErr := fleetapi.NewClient(o.publicURL, fleetapi.ClientOptions{})
	switch {
	case o.kubernetes && !name.MatchString(o.name):
		return fmt.Errorf("--name=%q: must be at most 40 lower-case letters, digits and '-', a letter first", o.name)
	case o.kubernetes:
	case o.image == "":
		return errors.New("this is a development build, of which no image is published: name one with --image")
	case !pinned.MatchString(o.image) || strings.HasSuffix(o.image, ":latest"):
		return fmt.Errorf("--image=%q: must have a tag other than latest, or a digest", o.image)
	case !host.MatchString(o.host):
		return fmt.Errorf("--host=%q: must be an address or a name", o.host)
	case urlErr != nil:
		return fmt.Errorf("--public-url=%q: %w", o.publicURL, urlErr)
	case o.group == "" || strings.ContainsFunc(o.group, unicode.IsControl):
		return fmt.Errorf("--group=%q: must be a name without control characters", o.group)
	}
	settings := o.settings()
	_, err := fleetserver.ConfigFromEnv(func(name string) (string, bool) { value, ok := settings[name]; return value, ok }, nil)
	if err != nil {
		return fmt.Errorf("the control plane would not start: %w", err)
	}
	return nil
}

// settings are the variables that are no secrets.
func (o initOptions) settings() map[string]string {
	settings := map[string]string{
		fleetapi.EnvFleetHost: o.host, fleetapi.EnvFleetPort: o.port, fleetapi.EnvMetricPrefix: o.namespace,
	}
	if o.prometheusURL != "" {
		settings[fleetapi.EnvFleetPrometheusURL] = o.prometheusURL
	}
	if o.corsOrigins != "" {
		settings[fleetapi.EnvFleetCORSOrigins] = o.corsOrigins
	}
	return settings
}

// secrets are what a control plane is guarded with. The first three may be lists.
type secrets struct{ ingest, viewer, admin, pepper string }

// newSecrets makes new ones, each for itself; if asked to, it takes those that
// this environment already has.
func newSecrets(reuse bool) (secrets, error) {
	s := secrets{newToken(), newToken(), newToken(), newToken()}
	if !reuse {
		return s, nil
	}
	lookup, err := environment()
	if err != nil {
		return secrets{}, err
	}
	config, err := fleetserver.ConfigFromEnv(lookup, nil)
	if err != nil {
		return secrets{}, err
	}
	take := func(to *string, sources ...string) {
		for _, source := range sources {
			if source != "" {
				*to = source
				return
			}
		}
	}
	take(&s.ingest, config.IngestToken.Value, config.Token.Value)
	take(&s.viewer, config.ViewerToken.Value, config.Token.Value)
	take(&s.admin, config.AdminToken.Value)
	take(&s.pepper, config.SecretPepper.Value)
	for _, value := range []string{s.ingest, s.viewer, s.admin, s.pepper} {
		if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || r == '\'' }) {
			return secrets{}, errors.New("a token with a quote or a control character cannot be written down: replace it first")
		}
	}
	return s, nil
}

// newToken returns 32 random bytes as 43 URL-safe characters.
func newToken() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: the runtime ends the process instead
	return base64.RawURLEncoding.EncodeToString(raw)
}
