//go:build cluster || node

package cluster

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testLog passes progress to the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// fresh removes what an earlier, interrupted run left of the instance, and makes
// sure that this one leaves nothing.
func fresh(t *testing.T, opts Options) {
	t.Helper()
	down(t, opts)
	t.Cleanup(func() { down(t, opts) })
}

func up(t *testing.T, opts Options) *Cluster {
	t.Helper()
	c, err := Up(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func down(t *testing.T, opts Options) {
	t.Helper()
	// The test's own context has ended by the time of the cleanup.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := Down(ctx, opts); err != nil {
		t.Error(err)
	}
}

// kubectl runs kubectl against the cluster and returns what it prints.
func kubectl(t *testing.T, c *Cluster, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.Kubectl, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "KUBECACHEDIR="+filepath.Join(c.Dir, "kubectl-cache"))
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, printed)
	}
	return string(printed)
}

// pids returns the process of each part, by name.
func pids(t *testing.T, opts Options) map[string]int {
	t.Helper()
	status, err := GetStatus(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, p := range status.Parts {
		if p.State != "running" {
			t.Errorf("%s: state %q, want running", p.Name, p.State)
		}
		found[p.Name] = p.PID
	}
	return found
}

// checkSecondUp brings up what is up.
func checkSecondUp(t *testing.T, opts Options) {
	t.Helper()
	before := pids(t, opts)
	up(t, opts)
	if diff := cmp.Diff(before, pids(t, opts)); diff != "" {
		t.Errorf("processes (-before +after):\n%s", diff)
	}
}

// killAll ends all of the instance at once, as a machine's failure would, and
// waits until it has.
func killAll(t *testing.T, opts Options) {
	t.Helper()
	in, err := findInstance(opts)
	if err != nil || in == nil {
		t.Fatalf("instance to kill: %v, %v", in, err)
	}
	var all []int
	for _, name := range partNames(in.Level) {
		if p, ok := in.running(name); ok {
			all = append(all, p.pid)
		}
	}
	for _, find := range []func() ([]int, error){in.shimProcesses, in.podProcesses} {
		numbers, err := find()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, numbers...)
	}
	kill(t, all...)
}

// kill ends processes without warning, all of them before it waits for any.
func kill(t *testing.T, numbers ...int) {
	t.Helper()
	var all []process
	for _, pid := range numbers {
		if p, err := findProcess(pid); err == nil {
			all = append(all, p)
			p.signal(syscall.SIGKILL)
		}
	}
	for _, p := range all {
		if err := p.gone(t.Context(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
}

// processesOf lists the command lines that name the instance's directory.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), dir+"/") {
			found = append(found, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return found
}
