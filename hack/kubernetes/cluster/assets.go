package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// modulePath is the module that holds the sources of the binaries.
const modulePath = "github.com/argus-dev/argus-operator"

// assets is where the binaries are.
type assets struct {
	// dir holds kube-apiserver, etcd, kubectl and so on.
	dir string
	// pause is the archive of the sandbox image; empty without a node.
	pause string
}

// Binaries makes sure that kube-apiserver, etcd and kubectl exist and returns the
// directory that holds them, as envtest's BinaryAssetsDirectory. They are compiled
// once (about 10 minutes on two cores) into a cache in the user's cache directory.
// KUBEBUILDER_ASSETS, when set, is used instead. The caller's working directory
// must be inside the checkout; log receives progress and may be nil.
func Binaries(ctx context.Context, log io.Writer) (string, error) {
	found, err := ensureAssets(ctx, Options{Level: ControlPlane, Log: log}, "etcd", "kube-apiserver", "kubectl")
	return found.dir, err
}

// Build compiles all that an instance of any level needs, ahead of Up.
func Build(ctx context.Context, log io.Writer) error {
	_, err := ensureAssets(ctx, Options{Level: Node, Log: log})
	return err
}

// ensureAssets finds or builds the binaries for a level. Binaries of somebody
// else's making serve the control plane only, since they never include a kubelet,
// and must include the wanted ones.
func ensureAssets(ctx context.Context, opts Options, wanted ...string) (assets, error) {
	if opts.Log == nil {
		opts.Log = io.Discard
	}
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" && opts.Level != Node {
		dir, err := filepath.Abs(dir)
		return assets{dir: dir}, errors.Join(err, checkAssets(dir, wanted))
	}
	root, err := moduleRoot()
	if err != nil {
		return assets{}, err
	}
	sources, err := hashSources(root)
	if err != nil {
		return assets{}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return assets{}, fmt.Errorf("finding a place for binaries: %w; set XDG_CACHE_HOME", err)
	}
	b := builder{
		root: root,
		dir:  filepath.Join(cache, "argus-operator", "kubernetes", Version+"-"+sources),
		log:  opts.Log,
	}
	if err := b.build(ctx, targets(opts.Level)); err != nil {
		return assets{}, err
	}
	found := assets{dir: b.dir}
	if opts.Level == Node {
		found.pause = filepath.Join(b.dir, "pause.tar")
	}
	return found, nil
}

// checkAssets says what KUBEBUILDER_ASSETS lacks.
func checkAssets(dir string, wanted []string) error {
	for _, name := range wanted {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("KUBEBUILDER_ASSETS=%s has no %s; unset it to have the binaries built", dir, name)
		}
	}
	return nil
}

// moduleRoot finds the checkout by walking up from the working directory.
func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the checkout: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		found, err := declaresModule(filepath.Join(dir, "go.mod"))
		if err != nil || found {
			return dir, err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside a checkout of %s, whose hack/kubernetes holds the sources of the binaries", start, modulePath)
		}
	}
}

// declaresModule reports whether a go.mod is the module's own. The nested modules'
// paths begin alike.
func declaresModule(file string) (bool, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("finding the checkout: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.TrimSpace(line) == "module "+modulePath {
			return true, nil
		}
	}
	return false, nil
}
