package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/hack/local"
)

// fleetPort is the port of the control plane's Service, and the first choice here.
const fleetPort = 9190

// visit makes the control plane reachable, shows what runs and, unless the demo
// is to end at once, stays until the context ends.
func (d *demo) visit(ctx context.Context) error {
	port := d.processes.port
	if d.mode != onProcesses {
		var err error
		if port, err = freePort(ctx, fleetPort); err != nil {
			return err
		}
		forwarding, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.forward(forwarding, port)
		}()
		defer func() { stop(); <-ended }()
	}
	if err := waitForPort(ctx, port); err != nil {
		return fmt.Errorf("reaching the control plane: %w", err)
	}
	token, err := d.viewerToken(ctx)
	if err != nil {
		return err
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	fmt.Fprint(d.out, guide(d.cluster.Kubeconfig, d.cluster.BinDir, port, token, d.operatorLog()))
	d.shown = true
	if d.once {
		return nil
	}
	fmt.Fprintln(d.out, "Ctrl-C ends the demo and removes everything.")
	<-ctx.Done()
	fmt.Fprintln(d.out)
	return nil
}

// viewerToken is what a person looks at the fleet with.
func (d *demo) viewerToken(ctx context.Context) (string, error) {
	token, err := d.secret(ctx, "main-fleet-viewer", "token")
	return string(token), err
}

func (d *demo) secret(ctx context.Context, name, key string) ([]byte, error) {
	var secret corev1.Secret
	if err := d.read(ctx, &secret, "secret", name); err != nil {
		return nil, err
	}
	return secret.Data[key], nil
}

// read gets an object of the demo's namespace.
func (d *demo) read(ctx context.Context, into any, kind, name string) error {
	printed, err := d.kubectl.Output(ctx, "get", kind, name, "--namespace", namespace, "--output=json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(printed), into); err != nil {
		return fmt.Errorf("reading %s %s: %w", kind, name, err)
	}
	return nil
}

// show prints the two kinds, and what runs for them, as kubectl shows them.
func (d *demo) show(ctx context.Context) error {
	what := "pods"
	if d.mode == onProcesses {
		what = "deployments"
	}
	for _, kinds := range []string{"argusfleets,argusbots", what} {
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

// guide says what to do now. The link signs in: it ends with the demo, whose tokens
// were made for it, and leads to this machine.
func guide(kubeconfig, binDir string, port int, token, operatorLog string) string {
	return fmt.Sprintf(`
Look at it, signed in, for as long as the demo runs:

  http://127.0.0.1:%[3]d/?token=%[5]s

In another terminal:

  export KUBECONFIG=%[1]s PATH=%[2]s:$PATH
  kubectl get argusfleets,argusbots -n %[4]s -o wide
  kubectl describe argusbot mybot -n %[4]s

Things to try:

  kubectl delete deployment mybot-bot-0 -n %[4]s     # the operator brings it back
  kubectl patch argusbot mybot -n %[4]s --type=merge -p '{"spec": {"hibernate": true}}'
  %[6]s

`, kubeconfig, binDir, port, namespace, token, operatorLog)
}

// operatorLog is the command that follows what the operator says.
func (d *demo) operatorLog() string {
	if d.mode == onProcesses {
		return "tail -f " + filepath.Join(d.processes.dir, operatorName+".log")
	}
	return "kubectl logs -n " + local.Namespace + " deployment/" + local.Release + " -f"
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
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
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
