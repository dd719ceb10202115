package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive.
type entry struct {
	name    string
	mode    fs.FileMode
	content []byte
}

// tarball packs files so that the same files give the same bytes: sorted, without
// times, owners and whatever else a machine would add.
func tarball(entries []entry) ([]byte, error) {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var packed bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(compressed)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: int64(e.mode.Perm()), Size: int64(len(e.content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("packing %s: %w", e.name, err)
		}
		if _, err := archive.Write(e.content); err != nil {
			return nil, fmt.Errorf("packing %s: %w", e.name, err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func binaryArchive(version, arch string) string {
	return fmt.Sprintf("argus-operator_%s_linux_%s.tar.gz", version, arch)
}

func monitoringArchive(version string) string {
	return fmt.Sprintf("argus-monitoring_%s.tar.gz", version)
}

// pack puts the binaries of each architecture into an archive.
func (r *release) pack(context.Context) error {
	for _, arch := range r.arches {
		var entries []entry
		for _, binary := range binaries() {
			e, err := r.entry(filepath.Join("bin", "linux_"+arch, binary), binary, 0o755)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		for _, file := range []string{"LICENSE", "README.md"} {
			e, err := r.entry(file, file, 0o644)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		if err := r.archive(binaryArchive(r.version, arch), entries); err != nil {
			return err
		}
	}
	return nil
}

// monitoring packs the boards and rules for those who install neither by Helm nor by
// kustomize.
func (r *release) monitoring(context.Context) error {
	var entries []entry
	for _, pattern := range []string{"boards/*.json", "rules/*.yaml"} {
		paths, err := filepath.Glob(filepath.Join(r.root, "dashboards", pattern))
		if err != nil || len(paths) == 0 {
			return fmt.Errorf("finding dashboards/%s: %w", pattern, errors.Join(err, fs.ErrNotExist))
		}
		for _, path := range paths {
			relative, err := filepath.Rel(filepath.Join(r.root, "dashboards"), path)
			if err != nil {
				return err
			}
			e, err := r.entry(filepath.Join("dashboards", relative), relative, 0o644)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
	}
	return r.archive(monitoringArchive(r.version), entries)
}

func (r *release) entry(path, name string, mode fs.FileMode) (entry, error) {
	content, err := os.ReadFile(filepath.Join(r.root, path))
	if err != nil {
		return entry{}, fmt.Errorf("reading what is to be packed: %w", err)
	}
	return entry{name, mode, content}, nil
}

func (r *release) archive(name string, entries []entry) error {
	packed, err := tarball(entries)
	if err != nil {
		return err
	}
	return r.write(name, packed)
}
