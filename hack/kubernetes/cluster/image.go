package cluster

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// packImage writes an OCI archive that holds one image: a static binary and the
// order to run it. The name must be full, with registry and tag.
func packImage(binary, name, archive string) error {
	image, err := singleBinaryImage(binary)
	if err != nil {
		return fmt.Errorf("packing image %s: %w", name, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(archive), ".layout-")
	if err != nil {
		return fmt.Errorf("packing image %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("packing image %s: %w", name, err)
	}
	names := layout.WithAnnotations(map[string]string{
		"io.containerd.image.name":          name,
		"org.opencontainers.image.ref.name": name,
	})
	if err := index.AppendImage(image, names); err != nil {
		return fmt.Errorf("packing image %s: %w", name, err)
	}
	if err := writeArchive(dir, archive); err != nil {
		return fmt.Errorf("packing image %s: %w", name, err)
	}
	return nil
}

// singleBinaryImage is an image whose only file is the binary, at the root.
func singleBinaryImage(binary string) (v1.Image, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	file := filepath.Base(binary)
	var layer bytes.Buffer
	writer := tar.NewWriter(&layer)
	if err := writer.WriteHeader(&tar.Header{Name: file, Mode: 0o755, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(base, static.NewLayer(layer.Bytes(), types.OCIUncompressedLayer))
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config.Entrypoint = []string{"/" + file}
	return mutate.ConfigFile(image, config)
}

// writeArchive puts a directory's files into a tar file.
func writeArchive(dir, archive string) (err error) {
	file, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer closeInto(file, &err)
	writer := tar.NewWriter(file)
	if err := writer.AddFS(os.DirFS(dir)); err != nil {
		return err
	}
	return writer.Close()
}

// closeInto closes, and reports a failure to if nothing failed before.
func closeInto(closer io.Closer, err *error) {
	if closeErr := closer.Close(); *err == nil {
		*err = closeErr
	}
}
