package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const snapshotPattern = ".snapshot-*"

// Snapshot copies the file as it is now to a new file beside it, with mode
// 0600, and returns its path. The caller removes it. On a full disk it fails
// with ErrUnavailable.
func (s *Store) Snapshot() (string, error) {
	file, err := s.createAside()
	if err != nil {
		return "", fmt.Errorf("creating a snapshot: %w", unavailable(err))
	}
	out := &copyWriter{Writer: file}
	err = s.db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(out)
		return err
	})
	if err := errors.Join(err, out.err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", fmt.Errorf("writing a snapshot: %w", unavailable(err))
	}
	return file.Name(), nil
}

// createAside creates a file beside the state, of a name that removeSnapshots knows.
func (s *Store) createAside() (*os.File, error) {
	return os.CreateTemp(filepath.Dir(s.db.Path()), filepath.Base(s.db.Path())+snapshotPattern)
}

// copyWriter keeps the error, of which bbolt passes on the text alone.
type copyWriter struct {
	io.Writer
	err error
}

// Write writes to the file.
func (w *copyWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.err = errors.Join(w.err, err)
	return n, err
}

func unavailable(err error) error {
	if noRoom(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// removeSnapshots clears away copies that a killed process has left.
func removeSnapshots(path string) {
	left, err := filepath.Glob(path + snapshotPattern)
	if err != nil {
		return
	}
	for _, name := range left {
		_ = os.Remove(name)
	}
}
