package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/hack/local"
)

// borrowed remembers what the cluster that kubectl uses had before the demo: the rest
// is the demo's, and goes with it.
type borrowed struct {
	operator, operatorNamespace, definitions bool
	// What the demo has begun to make.
	namespaceMade, operatorMade bool
}

func (d *demo) currentSteps() []step {
	return []step{
		{"looking at the cluster that kubectl uses", d.borrow},
		{"installing the operator with its Helm chart, unless one is there", d.installBorrowed},
		{"applying config/samples/demo.yaml in the namespace " + namespace, d.applyBorrowed},
		{"waiting until the control plane and the bot are ready", d.waitReady},
	}
}

// borrow takes a copy of kubectl's settings, so that the demo stays in this cluster
// whatever kubectl is pointed at meanwhile, and notes what is there.
func (d *demo) borrow(ctx context.Context) (err error) {
	if d.root, err = local.Root(ctx); err != nil {
		return err
	}
	path, err := exec.LookPath("kubectl")
	if err != nil {
		return fmt.Errorf("DEMO_CLUSTER=current needs kubectl: %w", err)
	}
	settings, err := exec.CommandContext(ctx, path, "config", "view", "--raw", "--minify", "--flatten").Output()
	if err != nil {
		return fmt.Errorf("reading kubectl's settings: %w: set KUBECONFIG, or choose a context with kubectl config use-context", err)
	}
	dir, err := os.MkdirTemp("", "argus-demo-")
	if err != nil {
		return fmt.Errorf("making room: %w", err)
	}
	d.cluster = &cluster.Cluster{Name: "current", Dir: dir, BinDir: filepath.Dir(path), Kubectl: path, Kubeconfig: filepath.Join(dir, "kubeconfig")}
	d.kubectl = local.KubectlFor(d.cluster)
	if err := os.WriteFile(d.cluster.Kubeconfig, settings, 0o600); err != nil {
		return fmt.Errorf("copying kubectl's settings: %w", err)
	}
	return d.takeStock(ctx)
}

func (d *demo) takeStock(ctx context.Context) error {
	there := func(args ...string) (bool, error) {
		printed, err := d.kubectl.Output(ctx, append([]string{"get", "--ignore-not-found", "--output=name"}, args...)...)
		return strings.TrimSpace(printed) != "", err
	}
	taken, err := there("namespace", namespace)
	if err != nil {
		return err
	}
	if taken {
		return fmt.Errorf("the cluster has a namespace %s, which the demo would delete in the end: delete it first, or use another cluster", namespace)
	}
	var errs [3]error
	d.borrowed.operator, errs[0] = there("deployments", "--all-namespaces", "--selector=app.kubernetes.io/name=argus-operator")
	d.borrowed.operatorNamespace, errs[1] = there("namespace", local.Namespace)
	d.borrowed.definitions, errs[2] = there("crd", "argusbots.argus.dev")
	return errors.Join(errs[:]...)
}

func (d *demo) installBorrowed(ctx context.Context) error {
	if d.borrowed.operator {
		fmt.Fprintln(d.progress, "one is there")
		return nil
	}
	version, err := local.Version(d.root)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.progress, "the nodes need the images ghcr.io/argus-dev/argus-{operator,fleet,bot}:%s; make images builds them into bin/images\n", version)
	d.borrowed.operatorMade = true
	return d.installOperator(ctx)
}

func (d *demo) applyBorrowed(ctx context.Context) error {
	d.borrowed.namespaceMade = true
	return d.apply(ctx)
}

// giveBack leaves the cluster as it was found.
func (d *demo) giveBack(ctx context.Context) error {
	if d.cluster == nil {
		return nil
	}
	var errs []error
	remove := func(args ...string) {
		_, err := d.kubectl.Output(ctx, append([]string{"delete", "--ignore-not-found", "--wait=true"}, args...)...)
		errs = append(errs, err)
	}
	if d.borrowed.namespaceMade {
		// In this order: the operator must be there to let go of a bot.
		remove("argusbots,argusfleets", "--all", "--namespace", namespace)
		remove("namespace", namespace)
	}
	if d.borrowed.operatorMade {
		errs = append(errs, d.uninstall(ctx))
		if !d.borrowed.definitions {
			remove("crd", "argusbots.argus.dev", "argusfleets.argus.dev")
		}
		if !d.borrowed.operatorNamespace {
			remove("namespace", local.Namespace)
		}
	}
	return errors.Join(append(errs, os.RemoveAll(d.cluster.Dir))...)
}

func (d *demo) uninstall(ctx context.Context) error {
	helm, err := local.HelmFor(ctx, d.cluster, "helm")
	if err != nil {
		return err
	}
	_, err = helm.Output(ctx, "uninstall", local.Release, "--ignore-not-found", "--wait")
	return err
}
