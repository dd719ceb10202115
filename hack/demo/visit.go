package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/argus-dev/argus-operator/hack/local"
)

// fleetPort is the port of the control plane's Service, and the first choice here.
const fleetPort = 9190

// visit makes the control plane reachable, shows what runs and, unless the demo
// is to end at once, stays until the context ends.
func (d *demo) visit(ctx context.Context) error {
	port, err := freePort(ctx, fleetPort)
	if err != nil {
		return err
	}
	forwarding, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.forward(forwarding, port)
	}()
	defer func() { stop(); <-ended }()
	if err := waitForPort(ctx, port); err != nil {
		return fmt.Errorf("reaching the control plane: %w", err)
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	fmt.Fprint(d.out, guide(d.cluster.Kubeconfig, d.cluster.BinDir, port))
	d.shown = true
	if d.once {
		return nil
	}
	fmt.Fprintln(d.out, "Ctrl-C ends the demo and removes everything.")
	<-ctx.Done()
	fmt.Fprintln(d.out)
	return nil
}

// show prints the two kinds and their pods as kubectl shows them.
func (d *demo) show(ctx context.Context) error {
	for _, kinds := range []string{"argusfleets,argusbots", "pods"} {
		printed, err := d.kubectl.Output(ctx, "get", kinds, "--namespace", namespace)
		if err != nil {
			return err
		}
		fmt.Fprintf(d.out, "\n$ kubectl get %s -n %s\n%s", kinds, namespace, printed)
	}
	return nil
}

// forward keeps a port of this machine connected to the control plane: kubectl
// ends a forwarding when the pod behind it goes, and the next one finds the new pod.
func (d *demo) forward(ctx context.Context, port int) {
	for ctx.Err() == nil {
		cmd := d.kubectl.Command(ctx, "port-forward", "--namespace", namespace,
			"--address", "127.0.0.1", "service/main-fleet", fmt.Sprintf("%d:%d", port, fleetPort))
		cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
		_ = cmd.Run()
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// guide says what to do now. The token itself is not printed: terminals have
// scroll-back and recordings.
func guide(kubeconfig, binDir string, port int) string {
	return fmt.Sprintf(`
The control plane listens on http://127.0.0.1:%[3]d for as long as the demo runs.

In another terminal:

  export KUBECONFIG=%[1]s PATH=%[2]s:$PATH
  kubectl get argusfleets,argusbots -n %[4]s -o wide
  kubectl describe argusbot mybot -n %[4]s

The token to look at the fleet with:

  token=$(kubectl get secret main-fleet-viewer -n %[4]s -o jsonpath='{.data.token}' | base64 -d)
  curl -H "Authorization: Bearer $token" http://127.0.0.1:%[3]d/api/fleet/view

Things to try:

  kubectl delete deployment mybot-bot-0 -n %[4]s     # the operator brings it back
  kubectl logs -n %[5]s deployment/%[6]s -f

`, kubeconfig, binDir, port, namespace, local.Namespace, local.Release)
}

// freePort returns the first port from the wanted one on that nobody listens on.
func freePort(ctx context.Context, wanted int) (int, error) {
	var config net.ListenConfig
	for port := wanted; port < wanted+100; port++ {
		listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", wanted, wanted+99)
}

// waitForPort waits until somebody accepts connections on a local port.
func waitForPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var dialer net.Dialer
	for {
		connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return connection.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}
