package main

import (
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/fleetserver"
)

func runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Run the control plane (default)", Args: noArguments, RunE: runControlPlane,
		Long: "Run the control plane until SIGTERM or SIGINT, which answer what is under way and save. It takes no flags: a wrong variable stops the start " +
			"with one line that names it.",
	}
}

func runControlPlane(cmd *cobra.Command, _ []string) error {
	lookup, err := environment()
	if err != nil {
		return err
	}
	config, err := fleetserver.ConfigFromEnv(lookup, nil)
	if err != nil {
		return err
	}
	config.Version = version
	go tuneMemory(cmd.Context())
	server, err := fleetserver.New(cmd.Context(), config, fleetserver.Deps{
		Logger:  newLogger(cmd.ErrOrStderr(), config.LogFormat),
		Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	return server.Run(cmd.Context())
}

func newLogger(out io.Writer, format string) *slog.Logger {
	if format == "json" {
		// "message" is what argus-dpy calls it, and log pipelines know it by.
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{
			ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && a.Key == slog.MessageKey {
					a.Key = "message"
				}
				return a
			},
		}))
	}
	return slog.New(slog.NewTextHandler(out, nil))
}
