//go:build scale

package scale

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/hack/measure"
)

// process is a program that the test has started. It ends with the test, however that ends.
type process struct {
	t    *testing.T
	name string
	// log is the file that it writes to.
	log   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// start runs a program, with more variables than our own.
func start(t *testing.T, name, program string, args, env []string) *process {
	t.Helper()
	p := &process{t: t, name: name, log: filepath.Join(t.TempDir(), name+".log"), ended: make(chan struct{})}
	file, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append(os.Environ(), env...), file, file
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread is the parent whose end the process would die of
		defer close(p.ended)
		defer file.Close()
		started <- p.cmd.Start()
		_ = p.cmd.Wait()
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	t.Cleanup(p.stop)
	return p
}

// stop ends the process, and shows the end of its log if the test has failed.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if p.t.Failed() {
		p.t.Logf("the end of what %s said:\n%s", p.name, p.tail())
	}
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// tail is the end of the process's log.
func (p *process) tail() string {
	const lines = 15
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(len(all)-lines, 0):], "\n")
}

// usage tells what the process has used.
func (p *process) usage() measure.Process { return measure.Process(p.cmd.Process.Pid) }
