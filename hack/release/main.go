// Command release builds what a release consists of, into dist/:
//
//	go run ./hack/release              all of it, for both architectures
//	go run ./hack/release installer    install.yaml alone
//	go run ./hack/release sbom         the bills of materials alone
//
// It publishes and signs nothing: .github/workflows/release.yml does, with what this
// has built.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/hack/local"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0, or 1 after an error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command := newCommand()
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	if err := command.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	return 0
}

func newCommand() *cobra.Command {
	r := &release{}
	command := &cobra.Command{
		Use:           "release",
		Short:         "Build what a release consists of into dist/",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			r.log = cmd.OutOrStdout()
			if r.root, err = local.Root(cmd.Context()); err != nil {
				return err
			}
			r.version, err = local.Version(r.root)
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return r.all(cmd.Context()) },
	}
	command.PersistentFlags().StringSliceVar(&r.arches, "arch", []string{"amd64", "arm64"}, "architectures to build for")
	command.Flags().BoolVar(&r.noImages, "no-images", false, "leave the image archives out, which need buildah")
	command.AddCommand(
		&cobra.Command{
			Use: "installer", Short: "Write dist/install.yaml: the operator for kubectl apply", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return r.installer(cmd.Context()) },
		},
		&cobra.Command{
			Use: "sbom", Short: "Write the bills of materials of the binaries and of the web page", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return r.sboms(cmd.Context()) },
		},
	)
	return command
}
