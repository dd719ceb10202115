package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

// registry is where the images are published, and so what their names begin with
// here too: the chart and the samples need no change to run them.
const registry = "ghcr.io/argus-dev/"

// Image is one built image.
type Image struct {
	// Target is its target in the Dockerfile: manager, fleet or bot.
	Target string
	// Ref is its full name with the tag, such as ghcr.io/argus-dev/argus-fleet:v0.1.0.
	Ref string
	// Archive is the path of the OCI archive that holds it.
	Archive string
}

// Builder compiles the binaries and builds the images of a checkout. Both are
// reproducible: the same sources, version and toolchain give the same bytes.
type Builder struct {
	// Root is the checkout.
	Root string
	// Out is the directory for the archives; empty is bin/images in the checkout.
	Out string
	// Arch is the GOARCH to build for; empty is this machine's.
	Arch string
	// Version of the binaries and the images; empty is the checkout's.
	Version string
	// Log receives a line a step; nil discards it.
	Log io.Writer
}

// target is one image: its name in the Dockerfile, its repository, and its main,
// after whose folder the binary is called.
type target struct {
	name, repository, main string
}

func targets() []target {
	return []target{
		{"manager", "argus-operator", "./cmd/manager"},
		{"fleet", "argus-fleet", "./cmd/argus-fleet"},
		{"bot", "argus-bot", "./cmd/argus-bot"},
	}
}

// BuildImages builds the three images of a checkout for this machine into outDir.
// It installs buildah where it is missing and may be.
func BuildImages(ctx context.Context, repoRoot, outDir string, log io.Writer) ([]Image, error) {
	return Builder{Root: repoRoot, Out: outDir, Log: log}.Images(ctx)
}

func (b Builder) arch() string {
	if b.Arch == "" {
		return runtime.GOARCH
	}
	return b.Arch
}

func (b Builder) version() (string, error) {
	if b.Version != "" {
		return b.Version, nil
	}
	return Version(b.Root)
}

// Binaries compiles the static binaries into bin/linux_<arch>/ of the checkout:
// with the empty bin/volume, the whole context of the Dockerfile.
func (b Builder) Binaries(ctx context.Context) error {
	version, err := b.version()
	if err != nil {
		return err
	}
	// The Dockerfile copies this to be the owner of a new volume; git holds no empty directory.
	if err := os.MkdirAll(filepath.Join(b.Root, "bin", "volume"), 0o755); err != nil {
		return fmt.Errorf("making room for binaries: %w", err)
	}
	started := time.Now()
	args := []string{
		// Nothing of the machine or of the checkout's state may reach the binary.
		"build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.version=" + version,
		"-o", filepath.Join("bin", "linux_"+b.arch()) + string(filepath.Separator),
	}
	for _, t := range targets() {
		args = append(args, t.main)
	}
	env := []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + b.arch()}
	if err := run(ctx, b.Root, env, "go", args...); err != nil {
		return fmt.Errorf("compiling the binaries: %w", err)
	}
	logf(b.Log, "compiled the binaries (%s, linux/%s) in %s", version, b.arch(), since(started))
	return nil
}

// Images compiles the binaries and builds the images from them, each as an OCI
// archive that containerd imports.
func (b Builder) Images(ctx context.Context) ([]Image, error) {
	if err := cluster.InstallPackages(ctx, b.Log, map[string]string{"buildah": "buildah"}); err != nil {
		return nil, err
	}
	version, err := b.version()
	if err != nil {
		return nil, err
	}
	if err := b.Binaries(ctx); err != nil {
		return nil, err
	}
	if b.Out == "" {
		b.Out = filepath.Join(b.Root, "bin", "images")
	}
	if err := os.MkdirAll(b.Out, 0o755); err != nil {
		return nil, fmt.Errorf("making room for images: %w", err)
	}
	var images []Image
	for _, t := range targets() {
		started := time.Now()
		image := Image{
			Target:  t.name,
			Ref:     registry + t.repository + ":" + version,
			Archive: filepath.Join(b.Out, t.repository+"_"+b.arch()+".tar"),
		}
		if err := b.image(ctx, image, version); err != nil {
			return nil, fmt.Errorf("building image %s: %w", image.Ref, err)
		}
		logf(b.Log, "built %s in %s", image.Ref, since(started))
		images = append(images, image)
	}
	return images, nil
}

// image builds one image with a store of its own that goes with it, so that
// neither an earlier build nor another program's store has a say.
func (b Builder) image(ctx context.Context, image Image, version string) error {
	store, err := os.MkdirTemp("", "argus-image-")
	if err != nil {
		return fmt.Errorf("making room for a store: %w", err)
	}
	defer func() { _ = os.RemoveAll(store) }()
	buildah := func(args ...string) error {
		common := []string{
			"--storage-driver", "vfs",
			"--root", filepath.Join(store, "root"), "--runroot", filepath.Join(store, "run"),
		}
		return run(ctx, b.Root, nil, "buildah", append(common, args...)...)
	}
	err = buildah("bud", "--isolation", "chroot", "--timestamp", "0", "--identity-label=false",
		"--platform", "linux/"+b.arch(),
		"--build-arg", "BASE=scratch", // no registry is asked; the published images stand on distroless
		"--build-arg", "TARGETARCH="+b.arch(),
		"--build-arg", "VERSION="+version,
		"--build-arg", "REVISION="+b.revision(ctx),
		"--target", image.Target, "--tag", image.Ref, ".")
	if err != nil {
		return err
	}
	_ = os.Remove(image.Archive) // buildah adds to an archive that exists
	return buildah("push", image.Ref, "oci-archive:"+image.Archive+":"+image.Ref)
}

// revision is the commit that the images are labelled with.
func (b Builder) revision(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "HEAD")
	cmd.Dir = b.Root
	printed, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(printed))
}

func since(t time.Time) time.Duration {
	return time.Since(t).Round(100 * time.Millisecond)
}
