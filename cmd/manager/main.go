// The operator: it keeps what ArgusFleets and ArgusBots stand for.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	command := newCommand(stderr)
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	if err := command.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintln(stderr, "manager:", err)
		return 1
	}
	return 0
}

func newCommand(stderr io.Writer) *cobra.Command {
	options := defaultOptions()
	command := &cobra.Command{
		Use:           "manager",
		Short:         "Run the Argus operator: one control plane for each ArgusFleet, hardened Deployments for each ArgusBot",
		Args:          cobra.NoArgs,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			settings, err := options.validate()
			if err != nil {
				return err
			}
			return serve(command.Context(), settings, stderr)
		},
	}
	options.bind(command.Flags())
	return command
}
