package cluster

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

func TestHashSourcesFollowsTheSources(t *testing.T) {
	root := t.TempDir()
	for _, target := range targets(Node) {
		if err := writeFile(filepath.Join(root, target.dir, "main.go"), []byte("package main\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hash := func() string {
		t.Helper()
		got, err := hashSources(root)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := hash()
	if again := hash(); again != before {
		t.Errorf("the same sources have hashes %s and %s", before, again)
	}
	if err := writeFile(filepath.Join(root, targets(Node)[0].dir, "main.go"), []byte("package main // new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after := hash(); after == before {
		t.Error("a changed source leaves the hash as it was")
	}
}

func TestFlagsStampTheVersion(t *testing.T) {
	flags := strings.Join(targets(ControlPlane)[0].flags(), " ")
	for _, want := range []string{"gitVersion=" + Version, "gitMajor=1", "gitMinor=37", "-trimpath"} {
		if !strings.Contains(flags, want) {
			t.Errorf("flags %q lack %q", flags, want)
		}
	}
}

func TestModuleRoot(t *testing.T) {
	outer := t.TempDir()
	nested := filepath.Join(outer, "hack", "nested")
	for file, content := range map[string]string{
		filepath.Join(outer, "go.mod"):  "module " + modulePath + "\n",
		filepath.Join(nested, "go.mod"): "module " + modulePath + "/hack/nested\n",
	} {
		if err := writeFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(nested)
	if got, err := moduleRoot(); err != nil || got != outer {
		t.Errorf("from a nested module: %q, %v, want %q", got, err, outer)
	}
	t.Chdir("/")
	_, err := moduleRoot()
	checkError(t, err, "not inside a checkout")
}

func TestForeignAssets(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("KUBEBUILDER_ASSETS", dir)
	_, err := Binaries(t.Context(), nil)
	checkError(t, err, "has no etcd")
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Binaries(t.Context(), nil); err != nil || got != dir {
		t.Errorf("got %q, %v, want %q", got, err, dir)
	}
	_, err = ensureAssets(t.Context(), Options{Level: ControlPlane}, "kube-controller-manager")
	checkError(t, err, "has no kube-controller-manager")
}

func TestMissingPackages(t *testing.T) {
	present := []string{"ip", "mount", "containerd", "nft"}
	got := missingPackages(nodeTools(), func(program string) bool { return slices.Contains(present, program) })
	want := []string{"containerd", "containernetworking-plugins", "runc"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages, each once (-want +got):\n%s", diff)
	}
}

func TestPackImage(t *testing.T) {
	dir := t.TempDir()
	binary, archive := filepath.Join(dir, "hello"), filepath.Join(dir, "hello.tar")
	if err := os.WriteFile(binary, []byte("#!"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := packImage(binary, "docker.io/local/hello:1", archive); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(unpack(t, archive))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := manifest.Manifests[0].Annotations["io.containerd.image.name"], "docker.io/local/hello:1"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/hello"}, config.Config.Entrypoint); diff != "" {
		t.Errorf("entry point (-want +got):\n%s", diff)
	}
	if len(config.RootFS.DiffIDs) != 1 {
		t.Errorf("layers: %v, want one", config.RootFS.DiffIDs)
	}
}

// unpack puts the files of an archive into a directory.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	reader := tar.NewReader(file)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(root.MkdirAll(path.Dir(header.Name), 0o700), root.WriteFile(header.Name, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
