package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keptSuffix names the original of an imported version-1 file.
const keptSuffix = ".v1.json"

// IsV1 reports whether a file holds argus-dpy's JSON state rather than a
// database. A file that does not exist is neither.
func IsV1(path string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening the state file: %w", err)
	}
	defer file.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("reading the state file: %w", err)
	}
	return bytes.HasPrefix(bytes.TrimSpace(head[:n]), []byte("{")), nil
}

// ImportV1 makes the state file at path from argus-dpy's JSON at source, which
// may be the same path. The caller holds the locks of both. Whenever it is
// killed, path is one whole file or the other, and an import that is repeated
// completes. The original is kept: at source if that is another path, else as
// <path without .json>.v1.json. It returns how many clusters it has taken over.
func ImportV1(source, path string) (int, error) {
	return importV1(source, path, func(string) {})
}

// importV1 calls after at the end of each step.
func importV1(source, path string, after func(step string)) (int, error) {
	content, err := os.ReadFile(source)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", source, err)
	}
	state, err := DecodeV1(content)
	if err != nil {
		return 0, &FileError{source, err.Error()}
	}
	after("read")
	err = build(path, state, func() error {
		after("built")
		defer after("kept")
		if source != path {
			return nil
		}
		return keep(path)
	})
	if err != nil {
		return 0, fmt.Errorf("importing %s: %w", source, err)
	}
	after("renamed")
	return len(state.Records), nil
}

// keep gives the original a second name, so that the rename over its first one
// does not lose it.
func keep(path string) error {
	kept := strings.TrimSuffix(path, ".json") + keptSuffix
	err := os.Link(path, kept)
	if errors.Is(err, fs.ErrExist) && sameFile(path, kept) {
		return nil // an import that was killed has been here
	}
	if err != nil {
		return fmt.Errorf("keeping the original: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

func sameFile(a, b string) bool {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(first, second)
}

// Restore makes the state file at path from a backup of ours, which is checked
// first. The caller holds the lock of path.
func Restore(backup, path string) error {
	state, err := Read(backup)
	if err != nil {
		return err
	}
	return build(path, state, func() error { return nil })
}
