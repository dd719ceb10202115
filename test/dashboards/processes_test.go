//go:build e2e

package dashboards

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/hack/local"
)

const (
	patience = 5 * time.Minute
	tick     = 500 * time.Millisecond
)

// compile builds the three programs and returns the directory that holds them.
func compile(t *testing.T) string {
	t.Helper()
	root, err := local.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", directory, "./cmd/manager", "./cmd/argus-fleet", "./cmd/argus-bot")
	build.Dir = root
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the programs: %v\n%s", err, printed)
	}
	return directory
}

// launch runs a program until the test ends. Its output is shown if the test fails.
func launch(t *testing.T, env []string, program string, args ...string) {
	t.Helper()
	output := &buffer{}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), output, output
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not even a test that is killed leaves it
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the thread is the parent whose end the process would die of
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), output.tail())
		}
	})
}

// freeAddress is a loopback address that nobody listens on at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// check says what is wrong, or "".
type check func() string

// eventually runs checks until none has anything to say, and reports what is left.
func eventually(t *testing.T, checks ...check) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(tick) {
		var problems []string
		checks = slices.DeleteFunc(checks, func(c check) bool {
			problem := c()
			if problem != "" {
				problems = append(problems, problem)
			}
			return problem == ""
		})
		if len(checks) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("still after %s:\n%s", patience, strings.Join(problems, "\n"))
			return
		}
	}
}

// buffer keeps what a process printed.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) tail() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(b.buf.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
