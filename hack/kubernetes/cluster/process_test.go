package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const tail = " 1 8643 8643 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 11 0 424242 11 22 33"
	for name, tc := range map[string]struct {
		line    string
		state   byte
		started uint64
		fails   bool
	}{
		"a plain command":              {line: "8643 (etcd) S" + tail, state: 'S', started: 424242},
		"a command with brackets":      {line: "8643 (a) (b) c) R" + tail, state: 'R', started: 424242},
		"a zombie":                     {line: "8643 (etcd) Z" + tail, state: 'Z', started: 424242},
		"a line that was cut":          {line: "8643 (etcd) S 1 2", fails: true},
		"no line of that file at all":  {line: "hello", fails: true},
		"a start time that is no time": {line: "8643 (etcd) S" + strings.Replace(tail, "424242", "x", 1), fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			state, started, err := parseStat(tc.line)
			if (err != nil) != tc.fails || state != tc.state || started != tc.started {
				t.Errorf("got %q, %d, %v; want %q, %d, failure %v", state, started, err, tc.state, tc.started, tc.fails)
			}
		})
	}
}

func TestProcessIsNotItsSuccessor(t *testing.T) {
	self, err := findProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !self.alive() {
		t.Error("this very process does not count as alive")
	}
	self.started++
	if self.alive() {
		t.Error("a process of the same number and another start counts as the same")
	}
}

func TestLaunchAndStop(t *testing.T) {
	log := filepath.Join(t.TempDir(), "logs", "sleep.log")
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	p, err := launch(t.Context(), shell, []string{"-c", "echo up; trap '' TERM; while :; do sleep 0.05; done"}, os.Environ(), log)
	if err != nil {
		t.Fatal(err)
	}
	if err := poll(t.Context(), 10*time.Millisecond, func(context.Context) error {
		if lastLines(log, 0, 1) == "up" {
			return nil
		}
		return errors.New("it has not spoken")
	}); err != nil {
		t.Fatal(err)
	}
	if err := p.stop(t.Context(), 50*time.Millisecond); err != nil {
		t.Fatalf("a process that ignores the polite signal: %v", err)
	}
	if p.alive() {
		t.Error("it still runs")
	}
}

func TestPIDFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids", "etcd")
	if got, err := readPID(file); err != nil || got != (process{}) {
		t.Errorf("without a file: %v, %v, want nobody", got, err)
	}
	want := process{pid: 42, started: 7}
	if err := writePID(file, want); err != nil {
		t.Fatal(err)
	}
	if got, err := readPID(file); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if err := os.WriteFile(file, []byte("4"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readPID(file); err == nil {
		t.Errorf("from half a file: %v, want an error", got)
	}
}

func TestLastLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte("old\none\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := lastLines(file, 4, 2), "two\nthree"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := lastLines(file, 4, 9), "one\ntwo\nthree"; got != want {
		t.Errorf("got %q, want only what came after the offset, %q", got, want)
	}
}

func TestIsShim(t *testing.T) {
	const dir = "/state/argus"
	for name, tc := range map[string]struct {
		args []string
		want bool
	}{
		"our shim":            {[]string{"/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", "x", "-address", dir + "/containerd/c.sock"}, true},
		"our runc":            {[]string{"runc", "--root=" + dir + "/containerd/runc/k8s.io", "create"}, true},
		"another's shim":      {[]string{"/usr/bin/containerd-shim-runc-v2", "-address", "/run/containerd/containerd.sock"}, false},
		"a namesake's shim":   {[]string{"containerd-shim-runc-v2", "-address", dir + "-other/containerd/c.sock"}, false},
		"a person's log view": {[]string{"tail", "-f", dir + "/logs/kubelet.log"}, false},
		"a kernel thread":     {[]string{""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isShim(tc.args, dir); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
