package access

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// checkInterval is how often files are read without being asked, for
	// filesystems that report no change.
	checkInterval = 30 * time.Second
	// settleTime joins the events of one change. Kubernetes swaps a symbolic
	// link ("..data") in the directory, so directories are watched, not files.
	settleTime = 100 * time.Millisecond
)

// Watch reloads until the context ends: soon after a change in a directory that
// holds a token file, and every 30 seconds.
func (k *Keyring) Watch(ctx context.Context) error {
	directories := k.directories()
	if len(directories) == 0 {
		<-ctx.Done()
		return nil
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching token files: %w", err)
	}
	defer watcher.Close()
	for directory := range directories {
		if err := watcher.Add(directory); err != nil {
			k.logger.Warn("token directory cannot be watched, changes are seen within 30 s", "error", err)
		}
	}
	k.Reload() // what changed before the watch began
	k.follow(ctx, watcher.Events, watcher.Errors)
	return nil
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
