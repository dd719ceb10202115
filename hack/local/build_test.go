//go:build node

package local

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
		for _, label := range []string{"title", "description", "source", "licenses", "revision"} {
			if image.config.Labels["org.opencontainers.image."+label] == "" {
				t.Errorf("%s: no label %s", ref, label)
			}
		}
		// One static program and, for a volume to take its owner from, an empty directory: no shell.
		files := []string{strings.TrimPrefix(image.config.Entrypoint[0], "/")}
		if image.config.Volumes != nil {
			files = append(files, "data/")
		}
		if diff := cmp.Diff(files, image.files); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", ref, diff)
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
	files  []string
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
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	blob(index.Manifests[0].Digest, &manifest)
	var content struct{ Config imageConfig }
	blob(manifest.Config.Digest, &content)
	built := builtImage{digest: index.Manifests[0].Digest, config: content.Config}
	for _, layer := range manifest.Layers {
		compressed, err := gzip.NewReader(bytes.NewReader(files["blobs/"+strings.Replace(layer.Digest, ":", "/", 1)]))
		if err != nil {
			t.Fatal(err)
		}
		built.files = append(built.files, slices.Sorted(maps.Keys(entries(t, compressed)))...)
	}
	return built
}

// TestTheControlPlanesImageTellsItsHealth reads the Dockerfile, for an OCI archive has
// no place for it.
func TestTheControlPlanesImageTellsItsHealth(t *testing.T) {
	root, err := Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, fleet, _ := strings.Cut(string(content), " AS fleet\n")
	fleet, _, _ = strings.Cut(fleet, "\nFROM ")
	if !regexp.MustCompile(`(?m)^HEALTHCHECK .*CMD \["/argus-fleet", "healthcheck"\]$`).MatchString(fleet) {
		t.Errorf("no HEALTHCHECK in\n%s", fleet)
	}
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
	return entries(t, file)
}

// entries are what a tar archive holds, by name.
func entries(t *testing.T, from io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for archive := tar.NewReader(from); ; {
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
