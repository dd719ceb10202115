package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

// Namespace is where InstallOperator puts the operator.
const Namespace = "argus-system"

// Release is the Helm release that InstallOperator makes, and so the name of the
// operator's Deployment.
const Release = "argus-operator"

// InstallOperator installs or upgrades the operator with the checkout's own chart
// and waits until it is ready. Its namespace enforces the restricted Pod Security
// Standard. Values are assignments as for helm --set, such as "replicas=1" or
// "watchNamespaces={a,b}". The images must have been loaded before.
func InstallOperator(ctx context.Context, c *cluster.Cluster, values ...string) error {
	root, err := Root(ctx)
	if err != nil {
		return err
	}
	helm, err := HelmFor(ctx, c, "helm")
	if err != nil {
		return err
	}
	if err := KubectlFor(c).RestrictedNamespace(ctx, Namespace); err != nil {
		return err
	}
	args := []string{"upgrade", "--install", Release, filepath.Join(root, "charts", "argus-operator"), "--wait", "--timeout", "3m"}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	if _, err := helm.Output(ctx, args...); err != nil {
		return fmt.Errorf("installing the operator: %w", err)
	}
	return nil
}

// HelmCLI runs a pinned helm as a cluster's administrator, in the operator's namespace.
type HelmCLI struct {
	path string
	args []string
	env  []string
}

// HelmFor returns the helm that hack/tools/<file>.mod pins, for a cluster. What it
// caches goes with the cluster.
func HelmFor(ctx context.Context, c *cluster.Cluster, file string) (HelmCLI, error) {
	root, err := Root(ctx)
	if err != nil {
		return HelmCLI{}, err
	}
	path, err := Tool(ctx, root, file, "helm")
	if err != nil {
		return HelmCLI{}, err
	}
	home := filepath.Join(c.Dir, file)
	return HelmCLI{
		path: path,
		args: []string{"--kubeconfig", c.Kubeconfig, "--namespace", Namespace},
		env: []string{
			"HELM_CACHE_HOME=" + filepath.Join(home, "cache"),
			"HELM_CONFIG_HOME=" + filepath.Join(home, "config"),
			"HELM_DATA_HOME=" + filepath.Join(home, "data"),
		},
	}, nil
}

// Output runs a call and returns what it printed. The error quotes its complaint.
func (h HelmCLI) Output(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, h.path, append(append([]string{}, h.args...), args...)...)
	cmd.Env = append(os.Environ(), h.env...)
	return output(cmd, "helm "+args[0])
}

// Helm returns the path of the pinned helm. The first call on a machine compiles
// it, which takes some minutes; go keeps it in its build cache.
func Helm(ctx context.Context, root string) (string, error) { return Tool(ctx, root, "helm", "helm") }

// Tool returns the path of a program that hack/tools/<file>.mod pins. The first call
// on a machine compiles it; go keeps it in its build cache.
func Tool(ctx context.Context, root, file, program string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", "-modfile="+filepath.Join("hack", "tools", file+".mod"), program)
	cmd.Dir = root
	var complaint strings.Builder
	cmd.Stderr = &complaint
	printed, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("compiling %s: %w: %s", program, err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(string(printed)), nil
}

// RestrictedNamespace makes a namespace that enforces the restricted Pod Security
// Standard, or makes an existing one enforce it.
func (k Kubectl) RestrictedNamespace(ctx context.Context, name string) error {
	manifest := `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "` + name + `",
		"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}`
	return k.Apply(ctx, strings.NewReader(manifest))
}
