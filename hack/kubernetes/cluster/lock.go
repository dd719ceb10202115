package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockInstance keeps two callers from changing one instance at a time.
func lockInstance(ctx context.Context, opts Options) (func(), error) {
	root, err := stateRoot()
	if err != nil {
		return nil, err
	}
	return lockFile(ctx, filepath.Join(root, "."+opts.Name+".lock"), opts.Log)
}

// lockFile takes an exclusive lock on a file, waiting for another holder, and
// returns the function that gives it back. The kernel drops the lock of a holder
// that dies. The file goes with the lock, so that nothing stays behind.
func lockFile(ctx context.Context, path string, log io.Writer) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	var held *os.File
	waiting := false
	err := poll(ctx, 200*time.Millisecond, func(context.Context) error {
		file, err := tryLock(path)
		if err != nil && !waiting {
			waiting = true
			logf(log, "waiting for another run to finish (%s)", path)
		}
		held = file
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() {
		_ = os.Remove(path)
		_ = held.Close()
	}, nil
}

var errLocked = errors.New("held by another process")

// tryLock takes the lock if nobody holds it. A file that was removed by its
// previous holder in the meantime does not count: another may lock a new one.
func tryLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, errLocked
	}
	ours, err := file.Stat()
	if err == nil {
		if named, statErr := os.Stat(path); statErr == nil && os.SameFile(ours, named) {
			return file, nil
		}
	}
	_ = file.Close()
	return nil, errLocked
}
