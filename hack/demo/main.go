// Command demo shows the project at work: a real Kubernetes on this machine, the
// operator installed by its Helm chart, one control plane and one bot. It stays
// until it is interrupted and then removes all that it made. `make demo` runs it.
//
// Without root there is no node, and processes run what pods would. With
// DEMO_CLUSTER=current it uses the cluster that kubectl uses.
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
)

func main() {
	// The first signal ends the demo; clean-up then ignores them, see demo.clean.
	ctx, stop := signal.NotifyContext(context.Background(), signals()...)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// signals are those that end the demo in good order.
func signals() []os.Signal {
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	once := flags.Bool("once", os.Getenv("DEMO_ONCE") == "1", "end after showing what runs, instead of staying (also DEMO_ONCE=1)")
	processes := flags.Bool("processes", false, "run processes in place of pods, as without root: no container, no network, no mount")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	machine := thisHost()
	machine.root = machine.root && !*processes
	if err := start(ctx, stdout, machine, *once); err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
	return 0
}

// start checks that the demo can run here and alone, runs it, and cleans up after
// it however it went.
func start(ctx context.Context, stdout io.Writer, machine host, once bool) error {
	where, err := modeOf(machine)
	if err != nil {
		return err
	}
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	d := newDemo(stdout, once, where)
	err = d.run(ctx)
	if ctx.Err() != nil {
		err = nil // an interrupt is how a demo ends
		if !d.shown {
			err = errors.New("interrupted before everything was ready")
		}
	}
	return errors.Join(err, d.clean(context.WithoutCancel(ctx)))
}
