package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

// Kubectl runs the cluster's kubectl as its administrator.
type Kubectl struct {
	path string
	args []string
}

// KubectlFor returns the kubectl of a cluster. What it caches goes with the cluster.
func KubectlFor(c *cluster.Cluster) Kubectl {
	return Kubectl{
		path: c.Kubectl,
		args: []string{"--kubeconfig", c.Kubeconfig, "--cache-dir", filepath.Join(c.Dir, "kubectl-cache")},
	}
}

// Command prepares a call for callers that want its streams.
func (k Kubectl) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, k.path, append(append([]string{}, k.args...), args...)...)
}

// Output runs a call and returns what it printed. The error quotes its complaint.
func (k Kubectl) Output(ctx context.Context, args ...string) (string, error) {
	return k.pipe(ctx, nil, args...)
}

// Apply applies manifests from a stream, with further arguments such as --namespace.
func (k Kubectl) Apply(ctx context.Context, manifests io.Reader, args ...string) error {
	_, err := k.pipe(ctx, manifests, append([]string{"apply", "--filename", "-"}, args...)...)
	return err
}

func (k Kubectl) pipe(ctx context.Context, input io.Reader, args ...string) (string, error) {
	cmd := k.Command(ctx, args...)
	cmd.Stdin = input
	return output(cmd, "kubectl "+args[0])
}

// output runs a program and returns what it printed. The error quotes its complaint,
// under the short name that the call is given.
func output(cmd *exec.Cmd, call string) (string, error) {
	var printed, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &complaint
	if err := cmd.Run(); err != nil {
		return printed.String(), fmt.Errorf("%s: %w: %s", call, err, strings.TrimSpace(complaint.String()))
	}
	return printed.String(), nil
}

// Diagnose writes how a namespace is to w, for a reader who wants to know why
// something did not become ready: pods, the latest events, and the end of logs.
func (k Kubectl) Diagnose(ctx context.Context, w io.Writer, namespace string) {
	calls := [][]string{
		{"get", "all,pvc,networkpolicies", "--output", "wide"},
		{"get", "argusfleets,argusbots", "--output", "wide"},
		{"get", "events", "--sort-by", ".lastTimestamp"},
		{"logs", "--selector", "app.kubernetes.io/part-of=argus", "--all-containers", "--prefix", "--tail", "20"},
	}
	for _, call := range calls {
		fmt.Fprintf(w, "--- kubectl -n %s %s\n", namespace, strings.Join(call, " "))
		cmd := k.Command(ctx, append([]string{"--namespace", namespace}, call...)...)
		cmd.Stdout, cmd.Stderr = w, w
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(w, "(%v)\n", err)
		}
	}
}
