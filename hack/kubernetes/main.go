// Kubernetes runs a real Kubernetes on this machine, for development and tests:
//
//	go run ./hack/kubernetes up
//
// See package cluster for what it does to the machine and how it undoes it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0, or 1 after an error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	return 0
}

func rootCommand() *cobra.Command {
	opts := &cluster.Options{}
	root := &cobra.Command{
		Use:           "kubernetes",
		Short:         "Run a real Kubernetes " + cluster.Version + " on this machine",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&opts.Name, "name", cluster.DefaultName, "name of the instance")
	root.AddCommand(upCommand(opts), downCommand(opts), statusCommand(opts), loadImageCommand(opts), buildCommand())
	return root
}

func upCommand(opts *cluster.Options) *cobra.Command {
	level := string(cluster.Node)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the instance, or restart what has died of it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.Log, opts.Level = cmd.OutOrStdout(), cluster.Level(level)
			running, err := cluster.Up(cmd.Context(), *opts)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nTo use it:\n  export KUBECONFIG=%s\n  export PATH=%s:$PATH\n  kubectl get --raw /version\n", running.Kubeconfig, running.BinDir)
			return err
		},
	}
	cmd.Flags().StringVar(&level, "level", level, `"node" (root on Linux), or "control-plane" for the API alone`)
	cmd.Flags().BoolVar(&opts.Install, "install", false, "install missing programs with apt-get")
	return cmd
}

func downCommand(opts *cluster.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End the instance and leave nothing of it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.Log = cmd.OutOrStdout()
			return cluster.Down(cmd.Context(), *opts)
		},
	}
	cmd.Flags().BoolVar(&opts.KeepLogs, "keep-logs", false, "keep the directory of logs")
	return cmd
}

func statusCommand(opts *cluster.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the instance's parts; an error when one does not run",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := cluster.GetStatus(cmd.Context(), *opts)
			if err != nil {
				return err
			}
			if err := status.Write(cmd.OutOrStdout()); err != nil {
				return err
			}
			if !status.Running() {
				return fmt.Errorf("instance %q is not whole; up restarts what is missing", status.Name)
			}
			return nil
		},
	}
}

func loadImageCommand(opts *cluster.Options) *cobra.Command {
	return &cobra.Command{
		Use:   "load-image FILE.tar...",
		Short: "Make the images of archives (OCI or docker save) available to pods",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, archives []string) error {
			opts.Log = cmd.OutOrStdout()
			running, err := cluster.Find(*opts)
			if err != nil {
				return err
			}
			for _, archive := range archives {
				if err := running.LoadImage(cmd.Context(), archive); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func buildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Compile the binaries ahead of the first up",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cluster.Build(cmd.Context(), cmd.OutOrStdout())
		},
	}
}
