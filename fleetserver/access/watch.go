package access

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// checkInterval is how often files are read without being asked, for
	// filesystems that report no change and for machines that have no watch left
	// to give. A change is then followed within ten seconds all the same.
	checkInterval = 5 * time.Second
	// settleTime joins the events of one change. Kubernetes swaps a symbolic
	// link ("..data") in the directory, so directories are watched, not files.
	settleTime = 100 * time.Millisecond
)

// Watch reloads until the context ends: at once after a change in a directory
// that holds a token file, and every few seconds in any case.
func (k *Keyring) Watch(ctx context.Context) {
	directories := k.directories()
	if len(directories) == 0 {
		return
	}
	var events <-chan fsnotify.Event
	var failures <-chan error
	if watcher, err := k.newWatcher(); err != nil {
		k.logger.Warn("token files cannot be watched, they are read every few seconds", "error", err)
	} else {
		defer watcher.Close()
		events, failures = watcher.Events, watcher.Errors
		for directory := range directories {
			if err := watcher.Add(directory); err != nil {
				k.logger.Warn("token directory cannot be watched, its files are read every few seconds", "error", err)
			}
		}
	}
	k.Reload() // what changed before the watch began
	k.follow(ctx, events, failures)
}

func (k *Keyring) follow(ctx context.Context, events <-chan fsnotify.Event, failures <-chan error) {
	check := time.NewTicker(k.interval)
	defer check.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			if settled == nil { // a directory that is always busy must not put it off
				settled = time.After(settleTime)
			}
		case err := <-failures:
			k.logger.Warn("watching token files", "error", err)
		case <-settled:
			settled = nil
			k.Reload()
		case <-check.C:
			k.Reload()
		}
	}
}

func (k *Keyring) directories() map[string]bool {
	directories := map[string]bool{}
	for _, surface := range k.surfaces {
		for _, file := range surface.files() {
			directories[filepath.Dir(file)] = true
		}
	}
	return directories
}
