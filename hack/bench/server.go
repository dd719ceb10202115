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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
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

// cpu is the processor time that the process has used, in user mode and in the
// kernel, as getrusage would tell the process itself.
func (s *server) cpu() (time.Duration, error) {
	fields, err := s.proc("stat")
	if err != nil {
		return 0, err
	}
	_, behindName, _ := strings.Cut(fields, ") ")
	columns := strings.Fields(behindName)
	const user, system = 11, 12 // of proc_pid_stat(5), counted behind the name
	if len(columns) <= system {
		return 0, fmt.Errorf("unexpected stat %q", fields)
	}
	var ticks int64
	for _, column := range []int{user, system} {
		n, err := strconv.ParseInt(columns[column], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	const perTick = time.Second / 100 // USER_HZ is 100 wherever Linux runs Go
	return time.Duration(ticks) * perTick, nil
}

// resident is the process's memory in bytes, and highest the most that it ever was.
func (s *server) resident() (float64, error) { return s.memory("VmRSS") }

func (s *server) highest() (float64, error) { return s.memory("VmHWM") }

func (s *server) memory(key string) (float64, error) {
	text, err := s.proc("status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, key+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no %s in the process's status", key)
	}
	kib, err := strconv.ParseFloat(fields[0], 64)
	return kib * 1024, err
}

func (s *server) proc(name string) (string, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(s.command.Process.Pid) + "/" + name)
	return string(raw), err
}
