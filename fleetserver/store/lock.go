package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	// lockSuffix names the lock beside the state file, as argus-dpy does, so
	// that a Python control plane on the same file is kept out too.
	lockSuffix = ".lock"
	// lockPatience bounds the wait for a holder that is just ending.
	lockPatience = 2 * time.Second
	lockRetry    = 50 * time.Millisecond
)

// LockedError says that another process holds the state file.
type LockedError struct {
	// Path is the lock file, Holder what the holder wrote into it.
	Path   string
	Holder string
}

// Error is the one line that a second control plane ends with.
func (e *LockedError) Error() string {
	return fmt.Sprintf("another argus-fleet process holds %s (%s); run a single control plane per state file", e.Path, e.Holder)
}

// Lock is the exclusive hold on a state file. The kernel frees it when the
// process ends, however it ends. Network filesystems are not supported.
type Lock struct{ file *os.File }

// Acquire takes the lock of a state file and writes pid, host and start into
// it. It waits up to two seconds, then fails with a *LockedError.
func Acquire(ctx context.Context, statePath string, started time.Time) (*Lock, error) {
	path := statePath + lockSuffix
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the state lock: %w", err)
	}
	if err := flock(ctx, file); err != nil {
		holder := readHolder(file)
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &LockedError{Path: path, Holder: holder}
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	lock := &Lock{file: file}
	// Who holds it is for people only, and a full disk must not stop a restart.
	if err := lock.sign(started); err != nil && !noRoom(err) {
		_ = lock.Release()
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return lock, nil
}

func flock(ctx context.Context, file *os.File) error {
	deadline := time.NewTimer(lockPatience)
	defer deadline.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		select {
		case <-time.After(lockRetry):
		case <-deadline.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Lock) sign(started time.Time) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(fmt.Appendf(nil, "pid %d, %s, since %s\n", os.Getpid(), host, started.UTC().Format(time.RFC3339)), 0)
	return err
}

func readHolder(file *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 256))
	if holder := strings.TrimSpace(string(text)); err == nil && holder != "" {
		return holder
	}
	return "pid unknown"
}

// Release frees the lock. The file stays: removing it would let two processes
// lock two files of one name.
func (l *Lock) Release() error {
	if l == nil || l.file == nil {
		return nil
	}
	_ = l.file.Truncate(0)
	err := l.file.Close()
	l.file = nil
	return err
}
