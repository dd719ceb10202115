//go:build e2e

package prometheus

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/hack/local"
)

const (
	patience = 2 * time.Minute
	tick     = 100 * time.Millisecond
)

// process is a program that the test started, and ends.
type process struct {
	cmd     *exec.Cmd
	address string
	ended   chan struct{}
}

// launch starts a program and waits until it prints a line that the pattern
// matches; the address is the pattern's group.
func launch(t *testing.T, pattern string, env []string, program string, args ...string) *process {
	t.Helper()
	output, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not even a test that is killed leaves it
	started, found, said := make(chan error, 1), make(chan string, 1), &lineLog{}
	go func() {
		runtime.LockOSThread() // the thread is the parent whose end the process would die of
		defer close(p.ended)
		started <- p.cmd.Start()
		writer.Close()
		scan(output, regexp.MustCompile(pattern), said, found)
		output.Close()
		_ = p.cmd.Wait()
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	t.Cleanup(p.kill)
	select {
	case p.address = <-found:
		return p
	case <-p.ended:
	case <-time.After(patience):
	}
	t.Fatalf("%s did not print %q:\n%s", filepath.Base(program), pattern, strings.Join(said.take(), "\n"))
	return nil
}

func scan(output io.Reader, pattern *regexp.Regexp, said io.Writer, found chan<- string) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		fmt.Fprintln(said, lines.Text())
		if match := pattern.FindStringSubmatch(lines.Text()); match != nil && found != nil {
			found <- match[1]
			found = nil
		}
	}
}

// kill ends the process at once and returns when it has.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// buildBot compiles the reference bot and returns its path.
func buildBot(t *testing.T) string {
	t.Helper()
	root, err := local.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "argus-bot")
	build := exec.Command("go", "build", "-o", program, "./cmd/argus-bot")
	build.Dir = root
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the bot: %v\n%s", err, printed)
	}
	return program
}

// startBot starts a busy bot that beats every second.
func startBot(t *testing.T, program string, plane *plane, identity string, args ...string) *process {
	t.Helper()
	return launch(t, `msg=serving address=(\S+)`, []string{
		"DISCORD_TOKEN=simulated",
		fleetapi.EnvMemberClusterID + "=" + identity,
		fleetapi.EnvMemberFleetURL + "=" + plane.URL,
		fleetapi.EnvFleetToken + "=" + ingestToken,
		fleetapi.EnvMemberHost + "=127.0.0.1",
		fleetapi.EnvMemberPort + "=0",
		fleetapi.EnvMemberStateDir + "=" + t.TempDir(),
	}, program, append([]string{"--guilds=100000", "--commands=12"}, args...)...)
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

// eventually waits until check returns "", or fails the test with what it says.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	var problem string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(tick) {
		if problem = check(); problem == "" {
			return
		}
	}
	t.Fatalf("still after %s: %s", patience, problem)
}

// lineLog keeps what was written to it.
type lineLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *lineLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// take returns the lines since the last call.
func (l *lineLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(l.buf.String())
	l.buf.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
