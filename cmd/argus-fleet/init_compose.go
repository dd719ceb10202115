package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/access"
)

const (
	envFileName     = ".env"
	composeFileName = "docker-compose.fleet.yml"
)

// writeCompose writes both files or none, and says how to go on.
func writeCompose(o initOptions, s secrets, out io.Writer) error {
	files := map[string]string{envFileName: envFile(o, s), composeFileName: composeFile(o)}
	var written []string
	for _, name := range []string{envFileName, composeFileName} {
		path := filepath.Join(o.directory, name)
		if err := writeNew(path, files[name]); err != nil {
			for _, earlier := range written {
				err = errors.Join(err, os.Remove(earlier))
			}
			return err
		}
		written = append(written, path)
	}
	_, err := io.WriteString(out, instructions(o, s))
	return err
}

// writeNew writes a file for this user alone. One that exists stays what it is.
func writeNew(path, content string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists and is left as it is: move it away, or write elsewhere with --out-dir", path)
	case err != nil:
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = file.WriteString(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(path))
	}
	return nil
}

func envFile(o initOptions, s secrets) string {
	var b strings.Builder
	b.WriteString("# Written by argus-fleet init. It holds secrets: keep it to yourself and out of version control.\n")
	settings := o.settings()
	for _, name := range []string{
		fleetapi.EnvFleetHost, fleetapi.EnvFleetPort, fleetapi.EnvMetricPrefix, fleetapi.EnvFleetPrometheusURL, fleetapi.EnvFleetCORSOrigins,
	} {
		if value, ok := settings[name]; ok {
			fmt.Fprintf(&b, "%s=%s\n", name, value)
		}
	}
	b.WriteString("# What bots present, what people and dashboards present, and what opens backup, export and retirement.\n")
	fmt.Fprintf(&b, "%s=%s\n%s=%s\n%s=%s\n", fleetapi.EnvFleetIngestToken, quoted(s.ingest), fleetapi.EnvFleetViewerToken, quoted(s.viewer), fleetapi.EnvFleetAdminToken, quoted(s.admin))
	b.WriteString("# Keys the digests of leases in the state. Never change it: it would make them all worthless.\n")
	fmt.Fprintf(&b, "%s=%s\n", fleetapi.EnvFleetSecretPepper, quoted(s.pepper))
	return b.String()
}

// quoted leaves a plain token plain, and keeps everything else from being expanded.
func quoted(value string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.,", r)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return "'" + value + "'"
	}
	return value
}

func composeFile(o initOptions) string {
	return fmt.Sprintf(`# Written by argus-fleet init. Run one control plane per volume.
services:
  argus-fleet:
    image: %s
    restart: unless-stopped
    env_file: %s
    ports:
      - "%s:%s"
    volumes:
      - argus-fleet-state:/data
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    stop_grace_period: 20s
volumes:
  argus-fleet-state:
`, o.image, envFileName, o.port, o.port)
}

// instructions go on from the files. The job is called argus because that is
// what the alert on a bot that is down watches, and a bot's own cluster label
// goes before the one of its target.
func instructions(o initOptions, s secrets) string {
	base, env := strings.TrimRight(o.publicURL, "/"), filepath.Join(o.directory, envFileName)
	lines := []string{
		"Wrote " + env + " and " + filepath.Join(o.directory, composeFileName) + ".",
		"",
		"Start the control plane:",
		"  docker compose --project-directory " + o.directory + " -f " + filepath.Join(o.directory, composeFileName) + " up -d",
		"or, in a systemd unit:",
		"  EnvironmentFile=" + env,
		"",
		"Give each bot, with a cluster id of its own:",
		"  " + fleetapi.EnvMemberFleetURL + "=" + base,
		"  " + fleetapi.EnvFleetToken + "=" + shown(o, s.ingest, fleetapi.EnvFleetIngestToken),
		"  " + fleetapi.EnvMemberFleetGroup + "=" + o.group,
		"  " + fleetapi.EnvMemberClusterID + "=mybot-0",
		"",
		"Let Prometheus find the bots:",
		"  scrape_configs:",
		"    - job_name: argus",
		"      honor_labels: true",
		"      http_sd_configs:",
		"        - url: " + base + fleetapi.PathTargets,
		"          authorization:",
	}
	if o.showTokens {
		lines = append(lines, "            credentials: "+first(s.viewer))
	} else {
		lines = append(lines, "            credentials_file: /etc/prometheus/argus-viewer-token  # holds "+fleetapi.EnvFleetViewerToken+" of "+env)
	}
	lines = append(lines, "", "Look for trouble, with "+fleetapi.EnvFleetViewerToken+" of "+env+" in the environment:", "  argus-fleet doctor --url "+base, "")
	return strings.Join(lines, "\n")
}

// shown is a token if they are to be printed, and else where it stands.
func shown(o initOptions, list, name string) string {
	if o.showTokens {
		return first(list)
	}
	return "<" + name + " of " + filepath.Join(o.directory, envFileName) + ">"
}

// first is the token of a list to present.
func first(list string) string {
	if tokens := access.Split(list); len(tokens) > 0 {
		return tokens[0]
	}
	return ""
}
