package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/hack/measure"
)

// token opens both surfaces of the servers measured.
const token = "bench-secret"

// pathDiscard is where the bare handler does not even keep the body.
const pathDiscard = "/discard"

// server is a process that is measured.
type server struct {
	command *exec.Cmd
	address string
	// started is how long it took to answer.
	started time.Duration
	log     bytes.Buffer
}

// startFleet starts argus-fleet with limits out of the way. more are variables.
func (b *bench) startFleet(ctx context.Context, state string, more ...string) (*server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	environment := append(append(os.Environ(), more...),
		fleetapi.EnvFleetHost+"=127.0.0.1", fleetapi.EnvFleetPort+"="+port, fleetapi.EnvFleetToken+"="+token,
		fleetapi.EnvFleetState+"="+state, fleetapi.EnvFleetMaxClusters+"=200000",
		fleetapi.EnvFleetRegisterBurst+"=1000000", fleetapi.EnvFleetHeartbeatBurst+"=1000000", fleetapi.EnvFleetReadBurst+"=1000000")
	return start(ctx, b.binary, nil, environment, port)
}

func startBare(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	return start(ctx, self, []string{bareArgument}, append(os.Environ(), "BENCH_PORT="+port), port)
}

// serveBare reads each body into memory, as everybody must who looks into it,
// and answers 204. On the path /discard it throws the body away instead.
func serveBare(ctx context.Context, out io.Writer) error {
	address := net.JoinHostPort("127.0.0.1", os.Getenv("BENCH_PORT"))
	server := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pathDiscard {
			_, _ = io.Copy(io.Discard, r.Body)
		} else {
			_, _ = io.ReadAll(r.Body)
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	fmt.Fprintln(out, "listening on", address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func freePort(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

func start(ctx context.Context, program string, args, environment []string, port string) (*server, error) {
	s := &server{command: exec.CommandContext(ctx, program, args...), address: net.JoinHostPort("127.0.0.1", port)}
	s.command.Env, s.command.Stderr = environment, &s.log
	begun := time.Now()
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	for time.Since(begun) < 20*time.Second {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", s.address)
		if err == nil {
			_ = conn.Close()
			s.started = time.Since(begun)
			return s, nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
	return nil, fmt.Errorf("%s does not listen: %s", program, s.log.String())
}

// stop ends the process in order and returns how long that took.
func (s *server) stop() (time.Duration, error) {
	begun := time.Now()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	err := s.command.Wait()
	took := time.Since(begun)
	if err != nil {
		return took, fmt.Errorf("%w: %s", err, s.log.String())
	}
	return took, nil
}

// usage tells what the process has used.
func (s *server) usage() measure.Process { return measure.Process(s.command.Process.Pid) }
