package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// containerdNamespace is where containerd keeps what the kubelet sees.
const containerdNamespace = "k8s.io"

func (in *instance) containerdSocket() string { return in.path("containerd", "c.sock") }

func (in *instance) containerd(program string) part {
	return part{
		name: "containerd", path: program,
		args: []string{"--config=" + in.path("containerd", "config.toml")},
		ready: func(ctx context.Context) error {
			return command(ctx, "ctr", "--address", in.containerdSocket(), "--connect-timeout", "2s", "version")
		},
	}
}

func (in *instance) coreDNS() part {
	return part{
		name: "coredns", path: in.binary("coredns"),
		args:  []string{"-conf=" + in.path("Corefile")},
		ready: in.answers("http://" + in.loopback("coredns-ready") + "/ready"),
	}
}

func (in *instance) kubelet() part {
	return part{
		name: "kubelet", path: in.binary("kubelet"),
		args: []string{
			"--config=" + in.path("kubelet.yaml"),
			"--kubeconfig=" + in.path("kubeconfig", "kubelet"),
			"--root-dir=" + in.path("kubelet"),
			"--cert-dir=" + in.path("pki"),
			"--hostname-override=" + in.Node,
			"--node-ip=" + in.Network.Gateway,
		},
		ready: in.answers("http://" + in.loopback("kubelet-health") + "/healthz"),
	}
}

func (in *instance) kubeProxy() part {
	return part{
		name: "kube-proxy", path: in.binary("kube-proxy"),
		args:  []string{"--config=" + in.path("kube-proxy.yaml")},
		ready: in.answers("http://" + in.loopback("kube-proxy-health") + "/livez"),
	}
}

// partNames lists a level's parts in the order in which they start.
func partNames(level Level) []string {
	names := []string{"etcd", "kube-apiserver", "kube-controller-manager"}
	if level == Node {
		names = append(names, "containerd", "coredns", "kube-scheduler", "kubelet", "kube-proxy")
	}
	return names
}

// bringUp starts what does not run, in order, and waits until the whole is of use.
func (in *instance) bringUp(ctx context.Context) error {
	if in.Level == Node {
		if err := in.prepareNode(ctx); err != nil {
			return err
		}
	}
	for _, prepare := range []func() error{in.ensurePKI, in.writeKubeconfigs, in.writeConfig} {
		if err := prepare(); err != nil {
			return err
		}
	}
	for _, p := range []part{in.etcd(), in.apiServer(), in.controllerManager()} {
		if err := in.ensure(ctx, p); err != nil {
			return err
		}
	}
	if in.Level == Node {
		if err := in.bringUpNode(ctx); err != nil {
			return err
		}
	}
	// Pods cannot be created before their namespace's default service account is.
	return in.awaitObject(ctx, "--for=create", "serviceaccount/default")
}

// prepareNode readies the host: leftovers of a node that was killed go first.
func (in *instance) prepareNode(ctx context.Context) error {
	_, runtime := in.running("containerd")
	_, kubelet := in.running("kubelet")
	if !runtime && !kubelet {
		if err := in.sweepPods(ctx); err != nil {
			return err
		}
	}
	if err := in.host.cgroups.create(cgroupName(in.Name)); err != nil {
		return err
	}
	return in.ensureNetwork(ctx)
}

// bringUpNode starts the node's parts once the API server answers.
func (in *instance) bringUpNode(ctx context.Context) error {
	if err := in.kubectl(ctx, "apply", "--server-side", "--force-conflicts", "--filename", in.path("objects.yaml")); err != nil {
		return fmt.Errorf("creating the volumes and rights: %w", err)
	}
	program, err := lookTool("containerd")
	if err != nil {
		return err
	}
	if err := in.ensure(ctx, in.containerd(program)); err != nil {
		return err
	}
	if _, err := importImage(ctx, in.containerdSocket(), in.pause); err != nil {
		return err
	}
	// A kubelet that starts anew has to be heard of: what the API server remembers of
	// one that was killed still says Ready. The API counts in whole seconds.
	var since time.Time
	if _, runs := in.running("kubelet"); !runs {
		since = time.Now().Truncate(time.Second)
	}
	for _, p := range []part{in.coreDNS(), in.scheduler(), in.kubelet(), in.kubeProxy()} {
		if err := in.ensure(ctx, p); err != nil {
			return err
		}
	}
	return in.awaitNode(ctx, since)
}

// awaitNode waits until the node has reported that it is ready, after the given time.
func (in *instance) awaitNode(ctx context.Context, since time.Time) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %s", startTimeout))
	defer cancel()
	err := poll(ctx, 200*time.Millisecond, func(ctx context.Context) error {
		report, err := in.nodeReport(ctx)
		if err == nil {
			err = report.readySince(since)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for node %s: %w; the end of %s:\n%s", in.Node, err, in.logFile("kubelet"), lastLines(in.logFile("kubelet"), 0, logTail))
	}
	return nil
}

// awaitObject waits for an object of the API to exist or to have a condition.
func (in *instance) awaitObject(ctx context.Context, condition, object string) error {
	if err := in.kubectl(ctx, "wait", condition, object, "--timeout="+startTimeout.String()); err != nil {
		return fmt.Errorf("waiting for %s: %w", object, err)
	}
	return nil
}

// kubectl runs kubectl as the administrator.
func (in *instance) kubectl(ctx context.Context, args ...string) error {
	printed, err := in.kubectlCommand(ctx, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl: %w: %s", err, strings.TrimSpace(string(printed)))
	}
	return nil
}

// kubectlCommand is a call of kubectl, whose cache of what the server offers is
// kept with the instance rather than at home.
func (in *instance) kubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, in.binary("kubectl"), append([]string{"--kubeconfig", in.path("kubeconfig", "admin")}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECACHEDIR="+in.path("kubectl-cache"))
	return cmd
}
