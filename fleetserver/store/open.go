package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

const (
	fileMode    = 0o600
	newSuffix   = ".new"
	boltTimeout = time.Second
	// bytesPerCluster sizes the memory map, so that growing it does not stall a commit.
	bytesPerCluster = 2048
	minMapBytes     = 8 << 20
)

// Options configure a Store.
type Options struct {
	// MaxClusters sizes the memory map.
	MaxClusters int
	// Observe is told of every commit: how long it took and how it ended. May be nil.
	Observe func(time.Duration, error)
	// BeforeCommit, if not nil, can fail a commit before anything is written:
	// tests play a disk that refuses.
	BeforeCommit func() error

	readOnly bool
}

// Store is an open state file with its writer running. It is safe for
// concurrent use.
type Store struct {
	options Options
	db      *bolt.DB
	commit  func(func(*bolt.Tx) error) error // db.Update, or a test's fault

	mu      sync.Mutex
	wake    *sync.Cond
	queue   []Write
	closing bool
	fault   error

	broken   bool // owned by the writer
	fatal    chan error
	finished chan struct{}
	closed   sync.Once
	closeErr error
}

// Open opens the state file at path, creating it if there is none, and returns
// what it holds. The caller holds the file's Lock. A file that is not a whole
// database of ours is refused with a *FileError and left untouched.
func Open(path string, options Options) (*Store, registry.State, error) {
	removeSnapshots(path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, registry.State{}, err
		}
	}
	if err := inspect(path); err != nil {
		return nil, registry.State{}, err
	}
	db, state, err := load(path, options)
	if err != nil {
		return nil, registry.State{}, err
	}
	// A volume may have opened the file to its group. Where it is not ours to
	// close again, it still is to be used.
	if err := os.Chmod(path, fileMode); err != nil && !errors.Is(err, fs.ErrPermission) {
		_ = db.Close()
		return nil, registry.State{}, fmt.Errorf("restricting the state file: %w", err)
	}
	s := &Store{options: options, db: db, commit: db.Update, fatal: make(chan error, 1), finished: make(chan struct{})}
	s.wake = sync.NewCond(&s.mu)
	go s.write()
	return s, state, nil
}

// load opens and reads the database. bbolt panics on some damage, and damage in
// the memory map is a fault signal: both become a refusal.
func load(path string, options Options) (db *bolt.DB, state registry.State, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			db, err = nil, &FileError{path, fmt.Sprintf("is damaged (%v)", cause)}
		}
	}()
	db, err = bolt.Open(path, fileMode, &bolt.Options{
		Timeout:         boltTimeout,
		ReadOnly:        options.readOnly,
		PreLoadFreelist: true,
		FreelistType:    bolt.FreelistMapType,
		InitialMmapSize: max(options.MaxClusters*bytesPerCluster, minMapBytes),
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, flag&^os.O_CREATE, mode)
		},
	})
	if err != nil {
		return nil, state, fmt.Errorf("opening state file %s: %w", path, err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		if err := checkSchema(tx, path); err != nil {
			return err
		}
		state, err = readState(tx, path)
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, state, err
	}
	return db, state, nil
}

// create makes an empty database under another name and renames it, so that the
// path never holds half a file.
func create(path string) error { return build(path, registry.State{}, func() error { return nil }) }

// build makes a database that holds a state. before runs when it is whole and
// on the disk, right before the rename that makes it the state file.
func build(path string, state registry.State, before func() error) error {
	temporary := path + newSuffix
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an unfinished state file: %w", err)
	}
	db, err := bolt.Open(temporary, fileMode, &bolt.Options{Timeout: boltTimeout, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return fmt.Errorf("creating the state file: %w", err)
	}
	fill := func(tx *bolt.Tx) error { return errors.Join(createBuckets(tx), putState(tx, state)) }
	if err := errors.Join(db.Update(fill), db.Sync(), db.Close()); err != nil {
		return fmt.Errorf("creating the state file: %w", err)
	}
	if err := before(); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("creating the state file: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the state directory: %w", err)
	}
	if err := errors.Join(directory.Sync(), directory.Close()); err != nil {
		return fmt.Errorf("flushing the state directory: %w", err)
	}
	return nil
}
