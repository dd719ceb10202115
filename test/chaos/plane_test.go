package chaos

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"io"
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
)

const (
	patience = 20 * time.Second
	tick     = 20 * time.Millisecond

	ingestToken, viewerToken, adminToken = "ingest-secret", "viewer-secret", "admin-secret"
	pepper                               = "pepper"
)

// plane is a control plane that runs as a process, is killed, and runs again on
// the same state file.
type plane struct {
	t     *testing.T
	state string
	env   []string

	// authorities verify it when it serves HTTPS; nil when it does not.
	authorities *x509.CertPool

	cmd   *exec.Cmd
	log   *log
	ended chan struct{}
	// url is the address of the running process.
	url string
}

// newPlane prepares one whose state file is in a directory of the test. Pairs
// are NAME=value and come on top of a working environment.
func newPlane(t *testing.T, pairs ...string) *plane {
	t.Helper()
	return planeAt(t, filepath.Join(t.TempDir(), "state.db"), pairs...)
}

func planeAt(t *testing.T, state string, pairs ...string) *plane {
	t.Helper()
	p := &plane{t: t, state: state}
	p.env = append([]string{
		"GORACE=halt_on_error=1",
		fleetapi.EnvFleetHost + "=127.0.0.1", fleetapi.EnvFleetPort + "=0",
		fleetapi.EnvFleetState + "=" + state,
		fleetapi.EnvFleetIngestToken + "=" + ingestToken,
		fleetapi.EnvFleetViewerToken + "=" + viewerToken,
		fleetapi.EnvFleetAdminToken + "=" + adminToken,
		fleetapi.EnvFleetSecretPepper + "=" + pepper,
		fleetapi.EnvFleetViewCacheMillis + "=0",
		fleetapi.EnvFleetRegisterBurst + "=1000000",
		fleetapi.EnvFleetHeartbeatBurst + "=1000000",
		fleetapi.EnvFleetReadBurst + "=1000000",
	}, pairs...)
	t.Cleanup(p.kill)
	return p
}

// client talks to the running process.
func (p *plane) client(token string) *client {
	p.t.Helper()
	return newClientTrusting(p.t, p.url, token, p.authorities)
}

func (p *plane) command(arguments ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(programVariable), arguments...)
	cmd.Env, cmd.Dir = p.env, p.t.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not even a test that is killed leaves it
	return cmd
}

// launch starts the process and does not wait for anything. The channel gets
// its address once it listens.
func (p *plane) launch() <-chan string {
	p.t.Helper()
	output, writer, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd, p.log, p.ended = p.command(), &log{}, make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	cmd, ended, started, found := p.cmd, p.ended, make(chan error, 1), make(chan string, 1)
	go func() {
		runtime.LockOSThread() // the thread is the parent whose end the process would die of
		defer close(ended)
		started <- cmd.Start()
		writer.Close()
		p.log.follow(output, found)
		output.Close()
		_ = cmd.Wait()
	}()
	if err := <-started; err != nil {
		p.t.Fatalf("starting argus-fleet: %v", err)
	}
	return found
}

// start runs the process and returns when it listens.
func (p *plane) start() {
	p.t.Helper()
	found := p.launch()
	select {
	case address := <-found:
		p.url = "http://" + address
		if p.authorities != nil {
			p.url = "https://" + address
		}
		return
	case <-p.ended:
	case <-time.After(patience):
	}
	p.t.Fatalf("argus-fleet does not come up:\n%s", p.log)
}

// kill ends the process with SIGKILL, if it runs, and returns when it has ended.
func (p *plane) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	p.cmd = nil
	if strings.Contains(p.log.String(), "DATA RACE") {
		p.t.Errorf("the process has a data race:\n%s", p.log)
	}
}

// stop ends the process in order.
func (p *plane) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.wait(0)
	p.cmd = nil
}

// wait expects that the process ends by itself, with a status.
func (p *plane) wait(status int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("argus-fleet does not end:\n%s", p.log)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("argus-fleet ended with status %d, want %d:\n%s", got, status, p.log)
	}
}

// tool runs a command of argus-fleet on the state file and returns what it printed.
func (p *plane) tool(arguments ...string) (string, error) {
	runtime.LockOSThread() // as in launch: another goroutine may end the thread
	defer runtime.UnlockOSThread()
	printed, err := p.command(arguments...).CombinedOutput()
	return string(printed), err
}

// verified fails the test unless the program finds the stopped state file whole.
func (p *plane) verified() {
	p.t.Helper()
	if printed, err := p.tool("verify"); err != nil {
		p.t.Fatalf("verify: %v\n%s", err, printed)
	}
}

// log keeps what a process prints.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) follow(output io.Reader, found chan<- string) {
	address := regexp.MustCompile(`is listening" address=(\S+)`)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		l.mu.Lock()
		l.buf.WriteString(lines.Text() + "\n")
		l.mu.Unlock()
		if match := address.FindStringSubmatch(lines.Text()); match != nil {
			found <- match[1]
		}
	}
}

// String is all that was printed so far.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *log) lastLine() string {
	lines := strings.Split(strings.TrimSpace(l.String()), "\n")
	return lines[len(lines)-1]
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
