package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
)

// doctorOptions are the flags of the doctor. The token is none of them: a
// command line can be read by everybody on the machine.
type doctorOptions struct {
	remote
	namespace string
	timeout   time.Duration
}

func doctorCommand() *cobra.Command {
	var o doctorOptions
	command := &cobra.Command{
		Use: "doctor", Short: "Look for trouble in a running control plane", Args: noArguments,
		Long: "Look for trouble in a running control plane. The viewer token is read from " + fleetapi.EnvFleetViewerToken + " or " +
			fleetapi.EnvFleetToken + ", or from the file that the name with " + fleetapi.FileSuffix + " names.",
		Example: "  ARGUS_FLEET_VIEWER_TOKEN_FILE=/run/secrets/viewer-token argus-fleet doctor --url http://fleet:9190 --namespace discord",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.url == "" {
				return quiet(errors.New("say which control plane with --url, such as --url http://fleet:9190"))
			}
			if err := diagnose(cmd.Context(), o, cmd.OutOrStdout()); err != nil {
				return &quietError{err}
			}
			return nil
		},
	}
	o.flags(command, "http://fleet:9190")
	command.Flags().StringVar(&o.namespace, "namespace", "", "metric prefix that the control plane should have")
	command.Flags().DurationVar(&o.timeout, "timeout", 10*time.Second, "time for each request")
	return command
}

// findings prints one line for each thing looked at and remembers whether all was well.
type findings struct {
	out     io.Writer
	trouble int
}

func (f *findings) ok(format string, args ...any) { f.print("[ok] ", format, args) }

func (f *findings) bad(format string, args ...any) {
	f.trouble++
	f.print("[!!] ", format, args)
}

func (f *findings) print(mark, format string, args []any) {
	_, _ = fmt.Fprintf(f.out, mark+format+"\n", args...)
}

func diagnose(ctx context.Context, o doctorOptions, out io.Writer) error {
	lookup, err := environment()
	if err != nil {
		return err
	}
	config, err := fleetserver.ConfigFromEnv(lookup, nil)
	if err != nil {
		return err
	}
	trust, err := o.tls()
	if err != nil {
		return err
	}
	client, err := fleetapi.NewClient(o.url, fleetapi.ClientOptions{TLS: trust, Token: func() (string, error) { return config.ViewerCredential(), nil }})
	if err != nil {
		return err
	}
	defer client.Close()
	f := &findings{out: out}
	examine(ctx, o, client, f)
	if f.trouble > 0 {
		return fmt.Errorf("%d thing(s) need attention", f.trouble)
	}
	return nil
}

func examine(ctx context.Context, o doctorOptions, client *fleetapi.Client, f *findings) {
	base := strings.TrimRight(o.url, "/")
	step := func(call func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		return call(ctx)
	}
	if err := step(client.Healthz); err != nil {
		f.bad("cannot reach %s: %v", base, err)
		return
	}
	f.ok("%s is alive", base)
	var summary fleetapi.Summary
	err := step(func(ctx context.Context) (err error) { summary, err = client.Summary(ctx); return err })
	if status, ok := errors.AsType[*fleetapi.StatusError](err); ok && status.Code == http.StatusUnauthorized {
		f.bad("the viewer token is missing or wrong: set %s or %s%s", fleetapi.EnvFleetViewerToken, fleetapi.EnvFleetViewerToken, fleetapi.FileSuffix)
		return
	}
	if err != nil {
		f.bad("the fleet cannot be read: %v", err)
		return
	}
	inspectFleets(summary, f)
	var config fleetapi.Config
	if err := step(func(ctx context.Context) (err error) { config, err = client.Config(ctx); return err }); err != nil {
		f.bad("the settings cannot be read: %v", err)
		return
	}
	inspectConfig(config, o.namespace, f)
}

func inspectFleets(summary fleetapi.Summary, f *findings) {
	f.ok("%d fleet(s), %d/%d clusters up", len(summary.Fleets), summary.ClustersUp, summary.ClustersTotal)
	if summary.ClustersTotal == 0 {
		f.ok("no clusters registered yet: point a bot here with %s", fleetapi.EnvMemberFleetURL)
	}
	for _, fleet := range summary.Fleets {
		if down := fleet.ClustersTotal - fleet.ClustersUp; down > 0 {
			f.bad("fleet '%s': %d cluster(s) down", fleet.Name, down)
		}
	}
}

func inspectConfig(config fleetapi.Config, namespace string, f *findings) {
	switch {
	case namespace == "":
	case namespace == config.Namespace:
		f.ok("namespace '%s'", config.Namespace)
	default:
		f.bad("namespace '%s' (expected '%s')", config.Namespace, namespace)
	}
	// A Python control plane does not tell; nearly everybody has the default factor.
	ttl := cmp.Or(config.TTLSeconds, config.Interval*fleetapi.DefaultTTLFactor)
	if ttl > 0 && ttl < fleetapi.LeastTTLSeconds {
		f.bad("silent clusters are down after %d s: argus-dpy members beat every 15 s and may be shown down in between; raise %s or %s",
			ttl, fleetapi.EnvFleetHeartbeatInterval, fleetapi.EnvFleetTTLFactor)
	}
}
