// Package cluster runs a real Kubernetes on the machine at hand: the control
// plane alone, which needs no rights, or a whole node with containerd, kubelet,
// kube-proxy and cluster DNS, which needs root. Nothing is pulled from a
// registry: the components are compiled from the Go module proxy and images
// come from files.
//
// An instance is a directory of state and a set of processes that outlive their
// starter. Up is idempotent and repairs what has died; Down leaves nothing.
package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// Version is the Kubernetes release that an instance runs.
const Version = "v1.37.2"

// DefaultName is the instance that an empty Options.Name stands for.
const DefaultName = "argus"

// Level says how much of Kubernetes an instance runs.
type Level string

// The levels of an instance.
const (
	// ControlPlane is etcd, kube-apiserver and kube-controller-manager: objects
	// live and are reconciled, no pod runs. Any number of instances may run.
	ControlPlane Level = "control-plane"
	// Node is the control plane, a scheduler and one real node. Root on Linux; one
	// instance in a network namespace.
	Node Level = "node"
)

// Options choose an instance and how it is brought up or down.
type Options struct {
	// Name of the instance: lower case letters, digits and dashes, at most 20
	// characters. Empty means DefaultName.
	Name string
	// Level to bring up; empty means Node. Down and GetStatus read it from the instance.
	Level Level
	// Install lets Up install missing programs with apt-get, as root on Debian or Ubuntu.
	Install bool
	// KeepLogs lets Down keep the directory of logs.
	KeepLogs bool
	// Log receives progress, a line a step. Nil discards it.
	Log io.Writer
}

// Cluster is a running instance and how to reach it.
type Cluster struct {
	Name  string
	Level Level
	// Dir holds all state of the instance, logs/ among it.
	Dir string
	// BinDir holds kubectl and the server binaries, laid out as envtest expects them.
	BinDir string
	// Kubeconfig is the path of an administrator's kubeconfig, mode 0600.
	Kubeconfig string
	// Kubectl is the path of a kubectl of the same version.
	Kubectl string
	// AuditLog is the path of the API server's audit log: one JSON event a line for
	// each write (create, update, patch, delete, deletecollection), without bodies.
	AuditLog string
	// NodeAddress is the node's own address as pods and the host see it; empty
	// without a node.
	NodeAddress string

	containerdSocket string
	log              io.Writer
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}$`)

// complete returns the options with defaults filled in, or what is wrong with them.
func (o Options) complete() (Options, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Level == "" {
		o.Level = Node
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if !validName.MatchString(o.Name) {
		return o, fmt.Errorf("instance name %q must be lower case letters, digits and dashes, start with a letter and have at most 20 characters", o.Name)
	}
	if o.Level != ControlPlane && o.Level != Node {
		return o, fmt.Errorf("level %q is neither %q nor %q", o.Level, ControlPlane, Node)
	}
	return o, nil
}

// Up brings the instance up and returns it once it is ready for use: the API
// answers, the default service account exists and, at level Node, the node is
// Ready. On a running instance it restarts whatever has died. After an error the
// parts that did start keep running for inspection; Down removes them.
func Up(ctx context.Context, opts Options) (*Cluster, error) {
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	if err := checkPlatform(opts.Level, currentPlatform()); err != nil {
		return nil, err
	}
	unlock, err := lockInstance(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer unlock()
	started := time.Now()
	in, err := openInstance(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := in.bringUp(ctx); err != nil {
		return nil, fmt.Errorf("bringing up instance %q: %w", opts.Name, err)
	}
	in.logf("instance %q is ready after %s", opts.Name, time.Since(started).Round(100*time.Millisecond))
	return in.cluster(), nil
}

// Find returns an existing instance as Up left it, running or not. The error is
// ErrNotFound when there is none.
func Find(opts Options) (*Cluster, error) {
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	in, err := findInstance(opts)
	if err != nil {
		return nil, err
	}
	if in == nil {
		return nil, fmt.Errorf("instance %q: %w", opts.Name, ErrNotFound)
	}
	return in.cluster(), nil
}

// Down ends every process of the instance, pods included, undoes what the
// instance did to the host and removes its directory. An instance that does not
// exist is no error.
func Down(ctx context.Context, opts Options) error {
	opts, err := opts.complete()
	if err != nil {
		return err
	}
	unlock, err := lockInstance(ctx, opts)
	if err != nil {
		return err
	}
	defer unlock()
	in, err := findInstance(opts)
	if err != nil || in == nil {
		return err
	}
	if err := in.takeDown(ctx); err != nil {
		return fmt.Errorf("taking down instance %q: %w", opts.Name, err)
	}
	return nil
}

// LoadImage makes the images of an archive file (OCI layout or docker save)
// available to pods. The names in the archive must be full
// ("ghcr.io/owner/image:tag", "docker.io/local/image:1") and pods must not ask
// for imagePullPolicy Always.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	if c.Level != Node {
		return fmt.Errorf("loading %s: instance %q has no node to run images on", archive, c.Name)
	}
	output, err := importImage(ctx, c.containerdSocket, archive)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.log, strings.TrimSpace(output))
	return nil
}

// importImage hands an archive to the containerd at the socket and returns what ctr said.
func importImage(ctx context.Context, socket, archive string) (string, error) {
	ctr, err := lookTool("ctr")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(archive); err != nil {
		return "", fmt.Errorf("loading image: %w", err)
	}
	cmd := exec.CommandContext(ctx, ctr, "--address", socket, "--namespace", containerdNamespace, "images", "import", archive)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("loading image %s: %w: %s", archive, err, strings.TrimSpace(string(output)))
	}
	return string(output), nil
}
