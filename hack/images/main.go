// Command images compiles the project's binaries and builds its images from them.
// It is what `make build` and `make images` run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/argus-dev/argus-operator/hack/local"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.SetOutput(stderr)
	arch := flags.String("arch", "", "GOARCH to build for (default this machine's)")
	out := flags.String("out", "", "directory for the archives (default bin/images)")
	binaries := flags.Bool("binaries-only", false, "stop after the binaries")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if err := build(ctx, local.Builder{Arch: *arch, Out: *out, Log: stdout}, *binaries, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func build(ctx context.Context, builder local.Builder, binariesOnly bool, stdout io.Writer) error {
	root, err := local.Root(ctx)
	if err != nil {
		return err
	}
	builder.Root = root
	if binariesOnly {
		return builder.Binaries(ctx)
	}
	images, err := builder.Images(ctx)
	if err != nil {
		return err
	}
	for _, image := range images {
		fmt.Fprintf(stdout, "%s\t%s\n", image.Ref, image.Archive)
	}
	return nil
}
