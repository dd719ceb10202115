package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// target is one binary to compile.
type target struct {
	// output is the file's name, links the other names that it goes by.
	output string
	links  []string
	// dir is the directory of the module below the checkout, pkg the package in it.
	dir, pkg string
	// version is stamped into k8s.io/component-base when set.
	version string
	// title and cold tell the waiting person what is being compiled, and for how long.
	title, cold string
	// image packs the binary into an archive of this name, as an image of imageName.
	image, imageName string
}

// pauseImage is the name of the sandbox image, PauseImage in the templates.
const pauseImage = "docker.io/local/pause:1"

// targets lists what a level runs.
func targets(level Level) []target {
	list := []target{
		{
			output: "kubernetes",
			links:  []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"},
			dir:    "hack/kubernetes/binaries/kubernetes", pkg: ".", version: Version,
			title: "kube-apiserver and friends", cold: "about 10 minutes on two cores",
		},
		{
			output: "etcd",
			dir:    "hack/kubernetes/binaries/etcd", pkg: "go.etcd.io/etcd/server/v3",
			title: "etcd", cold: "about 1 minute",
		},
	}
	if level == Node {
		list = append(list, target{
			output: "coredns",
			dir:    "hack/kubernetes/binaries/coredns", pkg: ".",
			title: "CoreDNS", cold: "about 2 minutes",
		}, target{
			output: "pause", image: "pause.tar", imageName: pauseImage,
			dir: "hack/kubernetes/pause", pkg: ".",
			title: "the sandbox image", cold: "seconds",
		})
	}
	return list
}

// flags are the arguments of go build. The version control's state is left out:
// it would make each commit another binary.
func (t target) flags() []string {
	ldflags := "-s -w"
	if t.version != "" {
		const pkg = "k8s.io/component-base/version."
		parts := strings.Split(strings.TrimPrefix(t.version, "v"), ".")
		ldflags += " -X " + pkg + "gitVersion=" + t.version + " -X " + pkg + "gitMajor=" + parts[0] + " -X " + pkg + "gitMinor=" + parts[1]
	}
	return []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags}
}

// hashSources identifies what the binaries are made of: their modules, their own
// sources and how they are compiled.
func hashSources(root string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.GOOS, runtime.GOARCH)
	for _, t := range targets(Node) {
		fmt.Fprintln(hash, t.output, t.links, t.imageName, t.flags())
		entries, err := os.ReadDir(filepath.Join(root, t.dir))
		if err != nil {
			return "", fmt.Errorf("reading the sources of %s: %w", t.output, err)
		}
		for _, entry := range entries {
			data, err := os.ReadFile(filepath.Join(root, t.dir, entry.Name()))
			if err != nil {
				return "", fmt.Errorf("reading the sources of %s: %w", t.output, err)
			}
			fmt.Fprintf(hash, "%s %d\n%s", entry.Name(), len(data), data)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}

// builder compiles targets of the checkout at root into dir.
type builder struct {
	root, dir string
	log       io.Writer
}

// build compiles those targets that are not there yet. Of two builders one waits.
func (b builder) build(ctx context.Context, list []target) error {
	if !slices.ContainsFunc(list, b.lacks) {
		return nil
	}
	unlock, err := lockFile(ctx, b.dir+".lock", b.log)
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("creating the cache of binaries: %w", err)
	}
	if err := b.removeScratch(); err != nil {
		return err
	}
	for _, t := range list {
		if !b.lacks(t) {
			continue
		}
		if err := b.compile(ctx, t); err != nil {
			return fmt.Errorf("compiling %s: %w", t.title, err)
		}
	}
	return nil
}

// scratchPrefix begins the names of directories that are built in.
const scratchPrefix = ".build-"

// removeScratch removes what builds that were killed have left.
func (b builder) removeScratch() error {
	left, err := filepath.Glob(filepath.Join(b.dir, scratchPrefix+"*"))
	if err != nil {
		return err
	}
	var failed []error
	for _, dir := range left {
		failed = append(failed, os.RemoveAll(dir))
	}
	return errors.Join(failed...)
}

// lacks reports whether any file of a target is missing. The last one is made
// last, so that an interrupted build is noticed.
func (b builder) lacks(t target) bool {
	return slices.ContainsFunc(append(t.links, t.output, t.image), func(name string) bool {
		_, err := os.Stat(filepath.Join(b.dir, name))
		return name != "" && err != nil
	})
}

// compile builds one target beside its place and moves it there.
func (b builder) compile(ctx context.Context, t target) error {
	scratch, err := os.MkdirTemp(b.dir, scratchPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	binary := filepath.Join(scratch, t.output)
	if err := b.goBuild(ctx, t, binary); err != nil {
		return err
	}
	if t.image != "" {
		archive := filepath.Join(scratch, t.image)
		if err := packImage(binary, t.imageName, archive); err != nil {
			return err
		}
		if err := os.Rename(archive, filepath.Join(b.dir, t.image)); err != nil {
			return err
		}
	}
	if err := os.Rename(binary, filepath.Join(b.dir, t.output)); err != nil {
		return err
	}
	for _, link := range t.links {
		err := os.Symlink(t.output, filepath.Join(b.dir, link))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// goBuild runs the compiler and, while it does, says so every 15 seconds.
func (b builder) goBuild(ctx context.Context, t target, out string) error {
	cmd := exec.CommandContext(ctx, "go", append(t.flags(), "-o", out, t.pkg)...)
	cmd.Dir = filepath.Join(b.root, t.dir)
	// The user's workspace and flags are about another module.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	// An interrupted go ends its compilers; a killed one leaves them running.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var printed strings.Builder
	cmd.Stdout, cmd.Stderr = &printed, &printed
	logf(b.log, "compiling %s (cold: %s)", t.title, t.cold)
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ticker := time.NewTicker(15 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("go %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, strings.TrimSpace(printed.String()))
			}
			return nil
		case <-ticker.C:
			logf(b.log, "  still compiling %s (%s)", t.title, time.Since(started).Round(time.Second))
		}
	}
}
