// Command bench measures the control plane against its targets and prints one
// table. It is what `make bench` runs. Ratios are taken within one run, turn and
// turn about with a handler that only reads the bodies, so that they mean the
// same on any machine; times and sizes are this machine's. Nothing here fails a
// build: these are measurements, not tests.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/argus-dev/argus-operator/hack/local"
	"github.com/argus-dev/argus-operator/hack/measure"
)

// bareArgument makes this program the handler that ours is compared with.
const bareArgument = "bare-server"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == bareArgument {
		if err := serveBare(ctx, stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "the one measurement to make")
	turn := flags.Duration("turn", time.Second, "length of one turn of heartbeats")
	watch := flags.Duration("watch", 2*beatInterval, "how long members are watched that beat at their own pace")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	started := time.Now()
	b := &bench{turn: *turn, watch: *watch, only: *only, progress: stderr}
	if err := b.all(ctx); err != nil {
		fmt.Fprintln(stderr, "a measurement went wrong:", err)
	}
	b.table.Print(stdout)
	fmt.Fprintf(stdout, "\n%s in all\n", time.Since(started).Round(time.Second))
	return 0
}

// bench holds what the measurements share.
type bench struct {
	turn, watch time.Duration
	only        string
	progress    io.Writer
	table       measure.Table
	// binary is argus-fleet, root the checkout, scratch a directory of this run.
	binary, root, scratch string
}

// all makes every measurement, one after the other: there are few cores.
func (b *bench) all(ctx context.Context) error {
	scratch, err := os.MkdirTemp("", "argus-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // a leftover in the temporary directory harms nobody
	b.scratch, b.binary = scratch, filepath.Join(scratch, "argus-fleet")
	if b.root, err = local.Root(ctx); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "./cmd/argus-fleet")
	build.Dir, build.Stderr = b.root, b.progress
	if err := build.Run(); err != nil {
		return fmt.Errorf("building argus-fleet: %w", err)
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"heartbeats", b.heartbeats},
		{"members", b.members},
		{"registrations", b.registrations},
		{"idle connections", b.idleConnections},
		{"start and stop", b.startAndStop},
		{"views and memory", b.insideTheProcess},
	} {
		if b.only != "" && b.only != part.name {
			continue
		}
		fmt.Fprintln(b.progress, "measuring", part.name)
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
