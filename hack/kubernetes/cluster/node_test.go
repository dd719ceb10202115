//go:build node

package cluster

import (
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNode drives a whole node through its life: a hardened pod with a volume and a
// Secret is reached through its Service by name, everything is killed, comes back
// with the same data, and leaves the host as it was.
func TestNode(t *testing.T) {
	opts := Options{Name: "selftest", Level: Node, Install: true, Log: testLog{t}}
	fresh(t, opts)
	before := observeHost(t)

	c := up(t, opts)
	if err := c.LoadImage(t.Context(), probeImage(t)); err != nil {
		t.Fatal(err)
	}
	kubectl(t, c, "apply", "--filename", "testdata/server.yaml")
	want := probeReport{UID: 10001, ReadOnlyRoot: true, Secret: "ahoy", Starts: 1}
	if diff := cmp.Diff(want, askServer(t, c)); diff != "" {
		t.Errorf("the pod's report (-want +got):\n%s", diff)
	}
	if got := kubectl(t, c, "exec", "--namespace=probe", "server", "--", "/probe", "get", "http://localhost:8080/"); !strings.Contains(got, "ahoy") {
		t.Errorf("exec printed %q, want the pod's report", got)
	}
	t.Run("a second up changes nothing", func(t *testing.T) { checkSecondUp(t, opts) })
	t.Run("parts that died come back, and pods do not notice", func(t *testing.T) {
		checkHealing(t, opts)
		if diff := cmp.Diff(want, askServer(t, c)); diff != "" {
			t.Errorf("the pod's report (-want +got):\n%s", diff)
		}
	})
	t.Run("a second node is refused by name", func(t *testing.T) {
		_, err := Up(t.Context(), Options{Name: "selftest-other", Level: Node, Log: testLog{t}})
		checkError(t, err, `instance "selftest" already runs`)
	})

	killAll(t, opts)
	c = up(t, opts)
	want.Starts = 2
	if diff := cmp.Diff(want, askServer(t, c)); diff != "" {
		t.Errorf("the pod's report after the kill (-want +got):\n%s", diff)
	}

	down(t, opts)
	if left := processesOf(t, c.Dir); len(left) > 0 {
		t.Errorf("down left processes: %q", left)
	}
	if diff := cmp.Diff(before, observeHost(t)); diff != "" {
		t.Errorf("the host (-before +after):\n%s", diff)
	}
}

// checkHealing kills some parts and expects just those to be replaced.
func checkHealing(t *testing.T, opts Options) {
	t.Helper()
	victims := []string{"kube-apiserver", "containerd", "coredns"}
	before := pids(t, opts)
	for _, name := range victims {
		kill(t, before[name])
	}
	up(t, opts)
	for name, pid := range pids(t, opts) {
		if replaced := pid != before[name]; replaced != slices.Contains(victims, name) {
			t.Errorf("%s: process %d became %d", name, before[name], pid)
		}
	}
}

// probeReport is what testdata/probe reports of its pod.
type probeReport struct {
	UID          int
	ReadOnlyRoot bool
	Secret       string
	Starts       int
}

// probeImage compiles testdata/probe and packs it.
func probeImage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	binary, archive := filepath.Join(dir, "probe"), filepath.Join(dir, "probe.tar")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "./testdata/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if printed, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling the probe: %v\n%s", err, printed)
	}
	if err := packImage(binary, "docker.io/local/probe:1", archive); err != nil {
		t.Fatal(err)
	}
	return archive
}

// askServer waits for the server's pod and asks it, from another pod, by the name
// of its Service.
func askServer(t *testing.T, c *Cluster) probeReport {
	t.Helper()
	kubectl(t, c, "wait", "--namespace=probe", "--for=condition=Ready", "pod/server", "--timeout=5m")
	kubectl(t, c, "replace", "--force", "--grace-period=0", "--filename", "testdata/client.yaml")
	kubectl(t, c, "wait", "--namespace=probe", "--for=jsonpath={.status.phase}=Succeeded", "pod/client", "--timeout=5m")
	printed := kubectl(t, c, "logs", "--namespace=probe", "client")
	var got probeReport
	if err := json.Unmarshal([]byte(printed), &got); err != nil {
		t.Fatalf("the client printed %q: %v", printed, err)
	}
	return got
}

// hostState is what a node may change of the host.
type hostState struct {
	Links   []string
	Tables  []string
	Mounts  []string
	Cgroups []string
	Sysctls map[string]string
	Files   []string
}

// observeHost looks at everything that down has to put back.
func observeHost(t *testing.T) hostState {
	t.Helper()
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	mounts := parseMounts(string(mountinfo))
	state := hostState{
		Tables:  parseTables(output(t.Context(), "nft", "list", "tables")),
		Sysctls: readSysctls(changedSysctls()),
	}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		state.Links = append(state.Links, link.Name)
	}
	root, err := stateRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mounts {
		if m.fsType == "nsfs" || strings.HasPrefix(m.point, root+"/") {
			state.Mounts = append(state.Mounts, m.point)
		}
	}
	for _, hierarchy := range findCgroups(mounts).hierarchies {
		groups, err := filepath.Glob(filepath.Join(hierarchy, "argus-kubernetes*"))
		if err != nil {
			t.Fatal(err)
		}
		state.Cgroups = append(state.Cgroups, groups...)
	}
	for _, dir := range []string{root, "/run/containerd", "/run/netns", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods", "/opt/containerd"} {
		state.Files = append(state.Files, filesUnder(dir)...)
	}
	slices.Sort(state.Links)
	return state
}

// filesUnder lists a directory and all below it; nothing when it is not there.
func filesUnder(dir string) []string {
	var files []string
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && othersInstance(path) {
			return fs.SkipDir
		}
		if err == nil {
			files = append(files, path)
		}
		return nil
	})
	return files
}

// othersInstance tells of the directory of an instance that another test runs meanwhile.
func othersInstance(path string) bool {
	root, err := stateRoot()
	return err == nil && filepath.Dir(path) == root && !strings.HasPrefix(filepath.Base(path), "selftest")
}
