package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process names a process for longer than its number lives: a number is reused,
// a number with a start time is not.
type process struct {
	pid int
	// started is the start time in clock ticks since boot (field 22 of /proc/PID/stat).
	started uint64
}

// findProcess identifies the process that has the number now.
func findProcess(pid int) (process, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	state, started, err := parseStat(string(stat))
	if err != nil {
		return process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	if state == 'Z' || state == 'X' {
		return process{}, fmt.Errorf("identifying process %d: it has ended", pid)
	}
	return process{pid: pid, started: started}, nil
}

// parseStat reads the state and the start time from a line of /proc/PID/stat. The
// command's name stands in brackets and may itself hold brackets and spaces.
func parseStat(line string) (state byte, started uint64, err error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return 0, 0, fmt.Errorf("no command in %q", line)
	}
	const stateField, startedField = 0, 19
	fields := strings.Fields(line[end+1:])
	if len(fields) <= startedField {
		return 0, 0, fmt.Errorf("too few fields in %q", line)
	}
	started, err = strconv.ParseUint(fields[startedField], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("start time: %w", err)
	}
	return fields[stateField][0], started, nil
}

// alive reports whether this very process still runs. A zombie does not.
func (p process) alive() bool {
	current, err := findProcess(p.pid)
	return err == nil && current == p
}

// signal sends a signal, unless the process has ended.
func (p process) signal(sig syscall.Signal) {
	if p.alive() {
		_ = syscall.Kill(p.pid, sig)
	}
}

// stop asks the process to end and, after the grace period, makes it.
func (p process) stop(ctx context.Context, grace time.Duration) error {
	p.signal(syscall.SIGTERM)
	if p.gone(ctx, grace) == nil {
		return nil
	}
	p.signal(syscall.SIGKILL)
	if err := p.gone(ctx, 5*time.Second); err != nil {
		return fmt.Errorf("process %d does not end: %w", p.pid, err)
	}
	return nil
}

// gone waits until the process has ended, and collects it if it is a child of ours.
// Otherwise its starter has gone, and init collects it.
func (p process) gone(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return poll(ctx, 20*time.Millisecond, func(context.Context) error {
		if p.alive() {
			return errors.New("it still runs")
		}
		_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
		return nil
	})
}

// launch starts a program in a session of its own, so that an interrupt typed at
// the terminal does not reach it, with its output appended to the log file. It
// outlives the context.
func launch(ctx context.Context, path string, args, env []string, logPath string) (process, error) {
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return process{}, err
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return process{}, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, env
	cmd.Dir = "/" // or the caller's working directory could not be unmounted or removed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return process{}, err
	}
	started, err := findProcess(cmd.Process.Pid)
	if err != nil {
		started = process{pid: cmd.Process.Pid} // ended already, which its log will explain
	}
	return started, cmd.Process.Release()
}

// writePID and readPID keep a process in a file, as "pid start-time".
func writePID(path string, p process) error {
	return writeFile(path, fmt.Appendf(nil, "%d %d\n", p.pid, p.started), 0o644)
}

// readPID returns the zero process when there is no file.
func readPID(path string) (process, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return process{}, nil
	}
	if err != nil {
		return process{}, err
	}
	var p process
	if _, err := fmt.Sscanf(string(data), "%d %d", &p.pid, &p.started); err != nil {
		return process{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return p, nil
}

// lastLines returns the end of what was written to a file after the offset.
func lastLines(path string, offset int64, count int) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return err.Error()
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-count):], []byte("\n")))
}
