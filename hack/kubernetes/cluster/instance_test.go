package cluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
)

func TestOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		opts Options
		want string
	}{
		"nothing chosen":        {Options{}, ""},
		"a name and a level":    {Options{Name: "demo-2", Level: ControlPlane}, ""},
		"a name with a slash":   {Options{Name: "../etc"}, `instance name "../etc" must be`},
		"a name too long":       {Options{Name: strings.Repeat("a", 21)}, "at most 20 characters"},
		"a level of no meaning": {Options{Level: "cloud"}, `level "cloud" is neither`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.opts.complete()
			checkError(t, err, tc.want)
			if err == nil && (got.Name == "" || got.Level == "" || got.Log == nil) {
				t.Errorf("%+v lacks a default", got)
			}
		})
	}
}

func TestDirectoryThatIsTooLong(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/"+strings.Repeat("d", maxDir))
	_, err := instanceDir("argus")
	checkError(t, err, "set XDG_STATE_HOME to a shorter one")
}

func TestNoInstance(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", shortDir(t))
	if _, err := GetStatus(t.Context(), Options{Name: "none"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("status: %v, want %v", err, ErrNotFound)
	}
	if _, err := Find(Options{Name: "none"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("find: %v, want %v", err, ErrNotFound)
	}
	if err := Down(t.Context(), Options{Name: "none"}); err != nil {
		t.Errorf("down: %v, want none", err)
	}
}

func TestStatusOfDeadParts(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", shortDir(t))
	opts := Options{Name: "dead", Level: ControlPlane}
	dir, err := instanceDir(opts.Name)
	if err != nil {
		t.Fatal(err)
	}
	in := &instance{record: record{Name: opts.Name, Level: ControlPlane}, dir: dir}
	if err := errors.Join(in.save(), writePID(in.pidFile("etcd"), process{pid: os.Getpid(), started: 1})); err != nil {
		t.Fatal(err)
	}
	status, err := GetStatus(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	want := []PartStatus{
		{Name: "etcd", PID: os.Getpid(), State: "died"},
		{Name: "kube-apiserver", State: "stopped"},
		{Name: "kube-controller-manager", State: "stopped"},
	}
	if diff := cmp.Diff(want, status.Parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if status.Running() {
		t.Error("an instance without a running part counts as running")
	}
	var printed bytes.Buffer
	if err := status.Write(&printed); err != nil || !strings.Contains(printed.String(), "etcd") {
		t.Errorf("printed %q, %v", printed.String(), err)
	}
}

func TestPortsAreKeptUnlessTaken(t *testing.T) {
	ports, err := choosePorts(portNames(Node), func(int) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for name, port := range ports {
		if port < firstPort || port >= lastPort || seen[port] {
			t.Errorf("%s: port %d is outside the range, or another's", name, port)
		}
		seen[port] = true
	}
	taken := ports["etcd"]
	before := ports["kubelet"]
	if err := replacePorts(ports, func(port int) bool { return port != taken }); err != nil {
		t.Fatal(err)
	}
	if ports["etcd"] == taken || ports["kubelet"] != before {
		t.Errorf("etcd moved from %d to %d, the kubelet from %d to %d; want only the former to", taken, ports["etcd"], before, ports["kubelet"])
	}
	if _, err := choosePorts([]string{"etcd"}, func(int) bool { return false }); err == nil {
		t.Error("a port was chosen though none is free")
	}
}

func TestLockWaitsForItsHolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), file, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := lockFile(ctx, file, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second lock: %v, want %v", err, context.DeadlineExceeded)
	}
	unlock()
	unlock, err = lockFile(t.Context(), file, io.Discard)
	if err != nil {
		t.Fatalf("a lock after the first was given back: %v", err)
	}
	unlock()
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock's file is left: %v", err)
	}
}

func TestKubeconfigsWorkAlone(t *testing.T) {
	in := example()
	in.dir = t.TempDir()
	in.Ports["kube-apiserver"] = 20100
	if err := errors.Join(in.ensurePKI(), in.writeKubeconfigs()); err != nil {
		t.Fatal(err)
	}
	for _, user := range kubeconfigUsers(Node) {
		file := in.path("kubeconfig", user)
		config, err := clientcmd.BuildConfigFromFlags("", file)
		if err != nil {
			t.Fatalf("%s: %v", user, err)
		}
		if want := "https://10.244.3.1:20100"; config.Host != want {
			t.Errorf("%s: server %q, want %q", user, config.Host, want)
		}
		if len(config.CertData) == 0 || len(config.KeyData) == 0 || len(config.CAData) == 0 {
			t.Errorf("%s: the kubeconfig depends on other files", user)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", user, info, err)
		}
	}
}

// shortDir is a temporary directory whose path leaves room for Unix sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "k") //nolint:usetesting // its directories' names are too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
