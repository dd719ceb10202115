package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Directories outside the instance's own that containerd, the kubelet and the CNI
// library write to whatever they are told. Only what is the instance's goes.
const (
	shimSockets   = "/run/containerd/s"
	cniCache      = "/var/lib/cni/results"
	containerLogs = "/var/log/containers"
	devicePlugins = "/var/lib/kubelet/device-plugins"

	devicePluginSocket = devicePlugins + "/kubelet.sock"
)

// sweepPods ends every pod of the instance without the help of containerd and the
// kubelet, which must not run: processes, mounts, network namespaces, addresses.
func (in *instance) sweepPods(ctx context.Context) error {
	if err := in.killPods(ctx); err != nil {
		return err
	}
	if err := unmountUnder(in.dir); err != nil {
		return err
	}
	in.removeShimSockets()
	in.removeCNIResults()
	var failed []error
	for _, dir := range []string{in.path("containerd", "state"), in.path("containerd", "runc"), in.path("cni", "addresses")} {
		failed = append(failed, os.RemoveAll(dir))
	}
	failed = append(failed, in.removeCgroups(ctx))
	return errors.Join(failed...)
}

// killPods ends the containers first, while their shims can still collect them,
// and then the shims.
func (in *instance) killPods(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, find := range []func() ([]int, error){in.podProcesses, in.shimProcesses} {
		err := poll(ctx, 20*time.Millisecond, func(context.Context) error {
			pids, err := find()
			if err != nil {
				return err
			}
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			if len(pids) > 0 {
				return fmt.Errorf("processes %v still run", pids)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("ending leftover pods: %w", err)
		}
	}
	return nil
}

// podProcesses lists what runs in the instance's control groups.
func (in *instance) podProcesses() ([]int, error) {
	groups, err := ownCgroups(cgroupName(in.Name))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, group := range groups {
		data, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if err != nil {
			continue // gone since
		}
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// shimProcesses lists the instance's containerd shims and the runc calls that they
// left: both name a path of the instance among their arguments.
func (in *instance) shimProcesses() ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // gone since
		}
		if !isShim(strings.Split(string(data), "\x00"), in.dir) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// isShim reports whether a command line is that of a shim or a runc that works
// below the directory.
func isShim(args []string, dir string) bool {
	program := filepath.Base(args[0])
	if program != "runc" && !strings.HasPrefix(program, "containerd-shim") {
		return false
	}
	return slices.ContainsFunc(args[1:], func(arg string) bool {
		return strings.HasPrefix(strings.TrimPrefix(arg, "--root="), dir+"/")
	})
}

// unmountUnder unmounts all below a directory, lazily: a busy mount is gone for
// everyone who looks from now on. Mounts may be stacked, hence the rounds. It fails
// when anything is left, since the directory must not be removed then.
func unmountUnder(dir string) error {
	var failed error
	for range 5 {
		mountinfo, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return fmt.Errorf("unmounting: %w", err)
		}
		points := mountsUnder(parseMounts(string(mountinfo)), dir)
		if len(points) == 0 {
			return nil
		}
		failed = nil
		for _, point := range points {
			if err := syscall.Unmount(point, mntDetach); err != nil {
				failed = errors.Join(failed, fmt.Errorf("unmounting %s: %w", point, err))
			}
		}
	}
	return errors.Join(fmt.Errorf("something is still mounted below %s", dir), failed)
}

// mntDetach is MNT_DETACH of umount2(2), which package syscall has on Linux only.
const mntDetach = 2

// removeShimSockets removes the sockets that the instance's shims listened on. A
// sandbox's directory is made before its shim starts and outlives it.
func (in *instance) removeShimSockets() {
	sandboxes, _ := filepath.Glob(in.path("containerd", "root", "io.containerd.*cri*", "sandboxes", "*"))
	for _, sandbox := range sandboxes {
		for _, socket := range shimSocketsOf(in.containerdSocket(), filepath.Base(sandbox)) {
			_ = os.Remove(socket)
		}
	}
}

// shimSocketsOf returns the paths at which the shim of a sandbox serves: containerd
// derives them from its own address, its namespace and the sandbox (SocketAddress in
// its package shim), the second one for debugging.
func shimSocketsOf(address, sandbox string) []string {
	path := filepath.Join(address, containerdNamespace, sandbox)
	return []string{
		fmt.Sprintf("%s/%x", shimSockets, sha256.Sum256([]byte(path))),
		fmt.Sprintf("%s/%x", shimSockets, sha256.Sum256([]byte(path+"/debug"))),
	}
}

// removeCNIResults forgets the results of the instance's network in the CNI
// library's cache, and those of the same pods' loopback.
func (in *instance) removeCNIResults() {
	prefix := filepath.Join(cniCache, cniNetwork(in.Name)+"-")
	files, _ := filepath.Glob(prefix + "*-eth0")
	for _, file := range files {
		pod := strings.TrimSuffix(strings.TrimPrefix(file, prefix), "-eth0")
		_ = os.Remove(filepath.Join(cniCache, "cni-loopback-"+pod+"-lo"))
		_ = os.Remove(file)
	}
}

// removeStrays removes what a node wrote outside the instance's directory, and the
// directories that held it once nobody else has anything there.
func (in *instance) removeStrays(ctx context.Context) {
	in.removeLogLinks()
	if !answersUnix(ctx, devicePluginSocket) {
		_ = os.Remove(devicePluginSocket)
		_ = os.Remove(filepath.Join(devicePlugins, "kubelet_internal_checkpoint"))
	}
	for _, dir := range []string{
		shimSockets, filepath.Dir(shimSockets), cniCache, filepath.Dir(cniCache),
		containerLogs, devicePlugins, filepath.Dir(devicePlugins),
	} {
		_ = os.Remove(dir) // an empty directory only
	}
}

// removeLogLinks removes the links to the instance's logs that the kubelet makes.
func (in *instance) removeLogLinks() {
	links, _ := filepath.Glob(filepath.Join(containerLogs, "*.log"))
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, in.dir+"/") {
			_ = os.Remove(link)
		}
	}
}
