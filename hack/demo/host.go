package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// host is what matters of the machine and of what it was told.
type host struct {
	os   string
	root bool
	// cluster is DEMO_CLUSTER: empty, or "current" for the one that kubectl uses.
	cluster string
}

// mode is where the demo runs.
type mode string

const (
	// onNode is a Kubernetes of its own with a node, which takes root.
	onNode mode = "node"
	// onProcesses is a Kubernetes without a node; what pods would run, processes do.
	onProcesses mode = "processes"
	// onCurrent is the cluster that kubectl uses.
	onCurrent mode = "current"
)

func thisHost() host {
	return host{os: runtime.GOOS, root: os.Geteuid() == 0, cluster: os.Getenv("DEMO_CLUSTER")}
}

// modeOf chooses where the demo runs, or says in one sentence what it lacks here.
func modeOf(h host) (mode, error) {
	switch {
	case h.cluster == "current":
		return onCurrent, nil
	case h.cluster != "":
		return "", fmt.Errorf("DEMO_CLUSTER=%s: use current, for the cluster that kubectl uses, or leave it out", h.cluster)
	case h.os != "linux":
		return "", fmt.Errorf("the demo runs a Kubernetes, which needs Linux (this is %s): run it in a Linux virtual machine, "+
			"or with DEMO_CLUSTER=current in the cluster that kubectl uses", h.os)
	case !h.root:
		return onProcesses, nil
	}
	return onNode, nil
}

// lock makes sure that one demo runs at a time. The kernel gives the lock back
// when its holder dies, however it dies; the file goes with a demo that ends well.
func lock() (func(), error) {
	path, err := lockPath()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the demo: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(file)
		_ = file.Close()
		return nil, fmt.Errorf("a demo is already running here (process %s): end it with Ctrl-C first", strings.TrimSpace(string(holder)))
	}
	if err := errors.Join(stillNamed(file, path), file.Truncate(0), writePID(file)); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking the demo: %w", err)
	}
	return func() {
		_ = os.Remove(path)
		_ = file.Close()
	}, nil
}

// stillNamed fails when the file was removed by an ending demo between our opening
// it and our locking it: the lock would keep nobody out.
func stillNamed(file *os.File, path string) error {
	ours, err := file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(path)
	if err != nil || !os.SameFile(ours, named) {
		return errors.New("another demo is just ending: try again")
	}
	return nil
}

func writePID(file *os.File) error {
	_, err := fmt.Fprintln(file, os.Getpid())
	return err
}

// lockPath is a file beside the state of local clusters.
func lockPath() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding a place for state: %w; set XDG_STATE_HOME", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	dir := filepath.Join(base, "argus-operator")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("finding a place for state: %w", err)
	}
	return filepath.Join(dir, "demo.lock"), nil
}
