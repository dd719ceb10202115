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

const (
	// keptSuffix names the original of an imported version-1 file.
	keptSuffix = ".v1.json"
	// maxKept is how many originals are kept beside each other.
	maxKept = 100
)

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

// FindV1 reports whether argus-dpy's JSON state is where it would have left it.
// What is there and is something else, as an empty file after a full disk, is a
// *FileError: to start without it would give its numbers away again.
func FindV1(path string) (bool, error) {
	found, err := IsV1(path)
	if err != nil || found {
		return found, err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return false, &FileError{path, "is not the JSON state of a Python control plane, and there is no other state to start with"}
}

// ImportV1 makes the state file at path from argus-dpy's JSON at source, which
// may be the same path. The caller holds the locks of both. Whenever it is
// killed, path is one whole file or the other, and an import that is repeated
// completes. The original is kept: at source if that is another path, else as
// <path without .json>.v1.json, or .v1.2.json and so on where that is taken. It returns how many clusters it has taken over.
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
// does not lose it. Originals of former imports keep theirs.
func keep(path string) error {
	var err error
	for n := 1; n <= maxKept; n++ {
		kept := keptName(path, n)
		err = os.Link(path, kept)
		if err == nil {
			return syncDirectory(filepath.Dir(path))
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if sameFile(path, kept) {
			return nil // an import that was killed has been here
		}
	}
	return fmt.Errorf("keeping the original: %w", err)
}

// keptName is the name of the n-th original, from 1.
func keptName(path string, n int) string {
	base := strings.TrimSuffix(path, ".json")
	if n == 1 {
		return base + keptSuffix
	}
	return fmt.Sprintf("%s.v1.%d.json", base, n)
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
