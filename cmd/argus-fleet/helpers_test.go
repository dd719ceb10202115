package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const asProcess = "ARGUS_TEST_AS_PROCESS"

// TestMain lets the test binary be the real command.
func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is a real argus-fleet process on a port of its own.
type process struct {
	*exec.Cmd
	t      *testing.T
	env    []string
	url    string
	stderr *bytes.Buffer
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// newProcess prepares one; pairs are NAME=value on top of a working environment.
func newProcess(t *testing.T, pairs ...string) *process {
	t.Helper()
	port := freePort(t)
	p := &process{t: t, url: "http://127.0.0.1:" + port}
	p.env = append([]string{
		asProcess + "=1", "PATH=" + os.Getenv("PATH"),
		fleetapi.EnvFleetHost + "=127.0.0.1", fleetapi.EnvFleetPort + "=" + port,
		fleetapi.EnvFleetState + "=" + filepath.Join(t.TempDir(), "state.db"),
		fleetapi.EnvFleetIngestToken + "=ingest-secret", fleetapi.EnvFleetViewerToken + "=viewer-secret",
	}, pairs...)
	return p
}

// start runs the process with arguments; Wait or kill ends it.
func (p *process) start(args ...string) {
	p.t.Helper()
	p.stderr = &bytes.Buffer{}
	p.Cmd = exec.Command(os.Args[0], args...)
	p.Env, p.Stderr, p.Dir = p.env, p.stderr, p.t.TempDir()
	if err := p.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) startAndWait() {
	p.t.Helper()
	p.start()
	p.t.Cleanup(func() { _ = p.Process.Kill() })
	client := p.client("")
	for deadline := time.Now().Add(15 * time.Second); client.Healthz(context.Background()) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = p.Process.Kill()
			_ = p.Wait()
			p.t.Fatalf("it does not come up: %s", p.stderr)
		}
	}
}

func (p *process) client(token string) *fleetapi.Client {
	p.t.Helper()
	client, err := fleetapi.NewClient(p.url, fleetapi.ClientOptions{Token: func() (string, error) { return token, nil }})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(client.Close)
	return client
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) lastLine() string {
	lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n")
	return lines[len(lines)-1]
}

// execute runs a command in this process with the environment of another.
func (p *process) execute(args ...string) (status int, stdout, stderr string) {
	p.t.Helper()
	for _, pair := range p.env {
		name, value, _ := strings.Cut(pair, "=")
		if name != asProcess {
			p.t.Setenv(name, value)
		}
	}
	var out, err bytes.Buffer
	status = run(context.Background(), args, &out, &err)
	return status, out.String(), err.String()
}

func register(t *testing.T, c *fleetapi.Client, identity string) int {
	t.Helper()
	response, err := c.Register(context.Background(), fleetapi.RegisterRequest{Identity: identity, Fleet: "asia"})
	if err != nil {
		t.Fatal(fmt.Errorf("registering %s: %w", identity, err))
	}
	return response.Number
}
