package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/hack/local"
)

const (
	// namespace holds the demo's control plane and bot.
	namespace = "demo"
	// readyTimeout is how long each thing that is waited for may take; a minute is usual for all.
	readyTimeout = 5 * time.Minute
	// downTimeout bounds the clean-up.
	downTimeout = 3 * time.Minute
)

// demo is one run. The fields below progress are set by its steps, in order.
type demo struct {
	out      io.Writer
	once     bool
	mode     mode
	progress *local.Progress

	root      string
	images    []local.Image
	cluster   *cluster.Cluster
	kubectl   local.Kubectl
	processes processes // of a demo without a node
	borrowed  borrowed  // what was there in the cluster that kubectl uses
	shown     bool      // all runs and the visitor has been told
}

func newDemo(out io.Writer, once bool, where mode) *demo {
	return &demo{out: out, once: once, mode: where, progress: local.NewProgress(out)}
}

func (d *demo) options() cluster.Options {
	options := cluster.Options{Name: "demo", Level: cluster.Node, Install: true, Log: d.progress}
	if d.mode == onProcesses {
		options.Level, options.Install = cluster.ControlPlane, false
	}
	return options
}

// step is something that a visitor sees begin and end.
type step struct {
	what string
	do   func(context.Context) error
}

// run is the demo from an empty machine to the end of the visit.
func (d *demo) run(ctx context.Context) error {
	for _, step := range d.steps() {
		if err := d.progress.Step(ctx, step.what, step.do); err != nil {
			d.diagnose(ctx)
			return err
		}
	}
	return d.visit(ctx)
}

func (d *demo) steps() []step {
	switch d.mode {
	case onProcesses:
		fmt.Fprintln(d.out, "Without root there is no node, so no pod runs: an API server, the operator, a control plane and the members run as\n"+
			"plain processes. sudo make demo shows all of it.")
		return d.processSteps()
	case onCurrent:
		return d.currentSteps()
	case onNode:
	}
	return d.nodeSteps()
}

func (d *demo) nodeSteps() []step {
	return []step{
		{"removing what an earlier demo left behind", d.sweep},
		{"building the three images", d.buildImages},
		{"finding helm, which the first run compiles in about 4 minutes", d.findHelm},
		{"starting a local Kubernetes " + cluster.Version, d.startCluster},
		{"loading the images into its containerd", d.loadImages},
		{"installing the operator with its Helm chart", d.installOperator},
		{"applying config/samples/demo.yaml in a namespace that enforces restricted pods", d.apply},
		{"waiting until the control plane and the bot are ready", d.waitReady},
	}
}

// sweep removes the instance of a demo that was killed.
func (d *demo) sweep(ctx context.Context) error {
	root, err := local.Root(ctx)
	if err != nil {
		return err
	}
	d.root = root
	return cluster.Down(ctx, d.options())
}

func (d *demo) buildImages(ctx context.Context) (err error) {
	d.images, err = local.Builder{Root: d.root, Log: d.progress}.Images(ctx)
	return err
}

// findHelm has helm compiled before there is a cluster that waits for it.
func (d *demo) findHelm(ctx context.Context) error {
	_, err := local.Helm(ctx, d.root)
	return err
}

func (d *demo) startCluster(ctx context.Context) error {
	c, err := cluster.Up(ctx, d.options())
	if err != nil {
		return err
	}
	d.cluster, d.kubectl = c, local.KubectlFor(c)
	return nil
}

func (d *demo) loadImages(ctx context.Context) error {
	for _, image := range d.images {
		if err := d.cluster.LoadImage(ctx, image.Archive); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) installOperator(ctx context.Context) error {
	return local.InstallOperator(ctx, d.cluster)
}

func (d *demo) apply(ctx context.Context) error {
	if err := d.kubectl.RestrictedNamespace(ctx, namespace); err != nil {
		return err
	}
	sample, err := os.Open(filepath.Join(d.root, "config", "samples", "demo.yaml"))
	if err != nil {
		return fmt.Errorf("opening the sample: %w", err)
	}
	defer func() { _ = sample.Close() }()
	return d.kubectl.Apply(ctx, sample, "--namespace", namespace)
}

// waitReady waits until both kinds are ready and every heartbeat has arrived.
func (d *demo) waitReady(ctx context.Context) error {
	for _, wait := range [][]string{
		{"--for=condition=Ready", "argusfleet/main", "argusbot/mybot"},
		{"--for=condition=FleetJoined", "argusbot/mybot"},
		{"--for=jsonpath={.status.display.shards}=4/4", "argusbot/mybot"},
		{"--for=jsonpath={.status.display.clusters}=2/2", "argusfleet/main"},
	} {
		if err := d.wait(ctx, wait...); err != nil {
			return err
		}
	}
	return nil
}

// wait runs kubectl wait in the demo's namespace.
func (d *demo) wait(ctx context.Context, what ...string) error {
	_, err := d.kubectl.Output(ctx, append([]string{"wait", "--namespace", namespace, "--timeout=" + readyTimeout.String()}, what...)...)
	return err
}

// diagnose shows what the namespaces look like after a failure.
func (d *demo) diagnose(ctx context.Context) {
	if d.cluster == nil || ctx.Err() != nil {
		return
	}
	for _, name := range []string{local.Namespace, namespace} {
		d.kubectl.Diagnose(ctx, d.progress, name)
	}
	d.processes.diagnose(d.progress)
}

// clean stops and removes everything. From here on the signals that a person or
// a supervisor sends are ignored, by the programs that cleaning starts too: half
// a clean-up would leave mounts and interfaces.
func (d *demo) clean(ctx context.Context) error {
	signal.Ignore(signals()...)
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	if d.mode == onCurrent {
		return d.progress.Step(ctx, "removing what the demo put into the cluster (further interrupts are ignored)", d.giveBack)
	}
	return d.progress.Step(ctx, "stopping and removing everything (further interrupts are ignored)", func(ctx context.Context) error {
		d.processes.end()
		err := cluster.Down(ctx, d.options())
		if err != nil { // a program that the interrupt itself ended may be missing from the first attempt
			err = errors.Join(err, cluster.Down(ctx, d.options()))
		}
		return err
	})
}
