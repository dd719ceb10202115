package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// part is one component of an instance: a program, and how to see that it serves.
type part struct {
	name string
	path string
	args []string
	// ready returns nil once the part serves, and until then what is missing.
	ready func(context.Context) error
}

// startTimeout is how long a part may take to become ready. The slowest, the API
// server, needs 3 seconds on two idle cores; a busy CI machine is many times slower.
const startTimeout = 2 * time.Minute

// logTail is how many lines of a part's log an error shows.
const logTail = 15

func (in *instance) pidFile(name string) string { return in.path("pids", name) }
func (in *instance) logFile(name string) string { return in.path("logs", name+".log") }

// running returns the part's process if it runs, and whether it does.
func (in *instance) running(name string) (process, bool) {
	p, err := readPID(in.pidFile(name))
	return p, err == nil && p.pid != 0 && p.alive()
}

// anyRunning reports whether any part of the instance runs.
func (in *instance) anyRunning() bool {
	return slices.ContainsFunc(partNames(in.Level), func(name string) bool {
		_, ok := in.running(name)
		return ok
	})
}

// ensure starts the part unless it runs, and waits until it is ready.
func (in *instance) ensure(ctx context.Context, p part) error {
	started := time.Now()
	logPath := in.logFile(p.name)
	offset := fileSize(logPath)
	proc, ok := in.running(p.name)
	if !ok {
		var err error
		if proc, err = launch(ctx, p.path, p.args, in.environment(), logPath); err != nil {
			return fmt.Errorf("starting %s: %w", p.name, err)
		}
		if err := writePID(in.pidFile(p.name), proc); err != nil {
			return fmt.Errorf("starting %s: %w", p.name, err)
		}
	}
	if err := awaitReady(ctx, p, proc); err != nil {
		return fmt.Errorf("%s: %w; the end of %s:\n%s", p.name, err, logPath, lastLines(logPath, offset, logTail))
	}
	if !ok {
		in.logf("%s is ready after %s", p.name, time.Since(started).Round(100*time.Millisecond))
	}
	return nil
}

var errDied = errors.New("it ended while starting")

// awaitReady polls the part until it is ready, it dies or time runs out.
func awaitReady(ctx context.Context, p part, proc process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %s", startTimeout))
	defer cancel()
	died := false
	err := poll(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		if !proc.alive() {
			died = true
			return nil
		}
		return p.ready(ctx)
	})
	if died {
		return errDied
	}
	return err
}

// stopPart ends the part if it runs and forgets it.
func (in *instance) stopPart(ctx context.Context, name string, grace time.Duration) error {
	if proc, ok := in.running(name); ok {
		if err := proc.stop(ctx, grace); err != nil {
			return fmt.Errorf("stopping %s: %w", name, err)
		}
		in.logf("%s stopped", name)
	}
	return os.RemoveAll(in.pidFile(name))
}

// environment is what parts run with: the host's own search path is extended,
// since the programs of the network are often found in an administrator's only.
func (in *instance) environment() []string {
	return append(os.Environ(), "PATH="+os.Getenv("PATH")+string(filepath.ListSeparator)+toolPath)
}

// fileSize returns 0 for a file that is not there.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
