package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const snapshotPattern = ".snapshot-*"

// Snapshot copies the file as it is now to a new file beside it, with mode
// 0600, and returns its path. The caller removes it.
func (s *Store) Snapshot() (string, error) {
	file, err := os.CreateTemp(filepath.Dir(s.db.Path()), filepath.Base(s.db.Path())+snapshotPattern)
	if err != nil {
		return "", fmt.Errorf("creating a snapshot: %w", err)
	}
	err = s.db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(file)
		return err
	})
	if err := errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", fmt.Errorf("writing a snapshot: %w", err)
	}
	return file.Name(), nil
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
