//go:build node

package local

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImages builds the three images twice, of a checkout whose mains do nothing:
// the same bytes must come out, and the configuration that the Dockerfile promises.
func TestImages(t *testing.T) {
	checkout := emptyCheckout(t)
	first := build(t, checkout)
	second := build(t, checkout)
	for ref, image := range first {
		if second[ref].digest != image.digest {
			t.Errorf("%s: built twice as %s and %s", ref, image.digest, second[ref].digest)
		}
	}
	want := map[string]imageConfig{
		"ghcr.io/argus-dev/argus-operator:v9.9.9": {
			User: "10001:10001", Entrypoint: []string{"/manager"},
			Ports: map[string]struct{}{"8081/tcp": {}, "8443/tcp": {}},
		},
		"ghcr.io/argus-dev/argus-fleet:v9.9.9": {
			User: "10001:10001", Entrypoint: []string{"/argus-fleet"},
			Ports:   map[string]struct{}{"9190/tcp": {}},
			Volumes: map[string]struct{}{"/data": {}},
			Env:     []string{"ARGUS_FLEET_HOST=0.0.0.0", "ARGUS_FLEET_STATE=/data/argus-fleet-state.db"},
		},
		"ghcr.io/argus-dev/argus-bot:v9.9.9": {
			User: "10001:10001", Entrypoint: []string{"/argus-bot"},
			Ports: map[string]struct{}{"9191/tcp": {}},
		},
	}
	got := map[string]imageConfig{}
	for ref, image := range first {
		if version := image.config.Labels["org.opencontainers.image.version"]; version != "v9.9.9" {
			t.Errorf("%s: labelled with version %q", ref, version)
		}
		image.config.Labels = nil
		image.config.Env = withoutPath(image.config.Env)
		got[ref] = image.config
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// emptyCheckout has this checkout's Dockerfile, and mains that do nothing.
func emptyCheckout(t *testing.T) string {
	t.Helper()
	root, err := Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"VERSION": "v9.9.9\n",
		"go.mod":  "module example.com/empty\n\ngo 1.26\n",
	}
	for _, copied := range []string{"Dockerfile", ".dockerignore"} {
		content, err := os.ReadFile(filepath.Join(root, copied))
		if err != nil {
			t.Fatal(err)
		}
		files[copied] = string(content)
	}
	for _, target := range targets() {
		files[target.main+"/main.go"] = "package main\n\nfunc main() {}\n"
	}
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// builtImage is what an archive says of its image.
type builtImage struct {
	digest string
	config imageConfig
}

type imageConfig struct {
	User       string
	Entrypoint []string
	Env        []string
	Ports      map[string]struct{} `json:"ExposedPorts"`
	Volumes    map[string]struct{}
	Labels     map[string]string
}

func build(t *testing.T, checkout string) map[string]builtImage {
	t.Helper()
	images, err := BuildImages(t.Context(), checkout, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]builtImage{}
	for _, image := range images {
		found[image.Ref] = open(t, image)
	}
	return found
}

// open follows an OCI archive from its index to the image's configuration.
func open(t *testing.T, image Image) builtImage {
	t.Helper()
	type descriptor struct {
		Digest      string
		Annotations map[string]string
	}
	files := untar(t, image.Archive)
	blob := func(digest string, into any) {
		content, ok := files["blobs/"+strings.Replace(digest, ":", "/", 1)]
		if !ok {
			t.Fatalf("%s: blob %s is missing", image.Archive, digest)
		}
		parse(t, content, into)
	}
	var index struct{ Manifests []descriptor }
	parse(t, files["index.json"], &index)
	if len(index.Manifests) != 1 || index.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != image.Ref {
		t.Fatalf("%s: want one image called %s, got %v", image.Archive, image.Ref, index.Manifests)
	}
	var manifest struct{ Config descriptor }
	blob(index.Manifests[0].Digest, &manifest)
	var content struct{ Config imageConfig }
	blob(manifest.Config.Digest, &content)
	return builtImage{digest: index.Manifests[0].Digest, config: content.Config}
}

func parse(t *testing.T, content []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}

func untar(t *testing.T, path string) map[string][]byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	files := map[string][]byte{}
	for archive := tar.NewReader(file); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// withoutPath drops PATH, which buildah sets.
func withoutPath(env []string) []string {
	var kept []string
	for _, entry := range env {
		if !strings.HasPrefix(entry, "PATH=") {
			kept = append(kept, entry)
		}
	}
	return kept
}
