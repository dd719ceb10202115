package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// host is what an instance with a node has to know of the machine that it runs on.
// It is gathered in one place; what follows from it is decided by pure functions.
type host struct {
	// occupied are the address ranges that the machine's interfaces and routes use,
	// those of an instance's own bridge excepted.
	occupied []netip.Prefix
	// links are the names of the network interfaces, with their aliases.
	links map[string]string
	// tables are the nftables tables, as "family name".
	tables []string
	// cgroups is where control groups are mounted.
	cgroups cgroups
	// containerd is the version of containerd.
	containerd containerdVersion
	// stateFS is the file system type below the instance's directory.
	stateFS string
	// cniBin is the directory of the CNI plugins.
	cniBin string
	// nameservers are the host's, loopback ones excepted.
	nameservers []string
	// kubelet says that a kubelet serves the socket that all kubelets of a machine share.
	kubelet bool
	// forwardDrops says that the host's firewall drops forwarded packets by default.
	forwardDrops bool
}

// platform is what decides whether an instance can run at all.
type platform struct {
	os   string
	root bool
}

func currentPlatform() platform {
	return platform{os: runtime.GOOS, root: os.Geteuid() == 0}
}

// checkPlatform says why a level cannot run on a platform.
func checkPlatform(level Level, p platform) error {
	if p.os != "linux" {
		return fmt.Errorf("a local Kubernetes runs on Linux only, this is %s", p.os)
	}
	if level == Node && !p.root {
		return fmt.Errorf("level %s runs containerd and a kubelet, which needs root; run it as root, or use level %s", Node, ControlPlane)
	}
	return nil
}

// inspectHost gathers the facts.
func inspectHost(ctx context.Context, dir string) (host, error) {
	var h host
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return h, fmt.Errorf("inspecting mounts: %w", err)
	}
	h.cgroups = findCgroups(parseMounts(string(mounts)))
	if h.cgroups.version == 0 {
		return h, errors.New("no control groups are mounted at /sys/fs/cgroup; the kubelet needs them")
	}
	h.stateFS = fileSystemOf(parseMounts(string(mounts)), dir)
	if err := h.inspectNetwork(ctx); err != nil {
		return h, err
	}
	h.containerd, err = parseContainerdVersion(output(ctx, "containerd", "--version"))
	if err != nil {
		return h, err
	}
	h.kubelet = answersUnix(ctx, devicePluginSocket)
	plugin, err := lookTool("host-local")
	h.cniBin = filepath.Dir(plugin)
	return h, err
}

func (h *host) inspectNetwork(ctx context.Context) error {
	links, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("inspecting network interfaces: %w", err)
	}
	h.links = make(map[string]string, len(links))
	own := ""
	for _, link := range links {
		alias, err := os.ReadFile("/sys/class/net/" + link.Name + "/ifalias")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("inspecting network interface %s: %w", link.Name, err)
		}
		h.links[link.Name] = strings.TrimSpace(string(alias))
		if strings.HasPrefix(h.links[link.Name], aliasPrefix) {
			own = link.Name
			continue
		}
		addresses, err := link.Addrs()
		if err != nil {
			return fmt.Errorf("inspecting network interface %s: %w", link.Name, err)
		}
		h.occupied = append(h.occupied, prefixes(addresses)...)
	}
	routes, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return fmt.Errorf("inspecting routes: %w", err)
	}
	h.occupied = append(h.occupied, parseRoutes(string(routes), own)...)
	h.tables = parseTables(output(ctx, "nft", "list", "tables"))
	h.forwardDrops = forwardDrops(output(ctx, "iptables", "--wait", "-S", "FORWARD"))
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("inspecting name servers: %w", err)
	}
	h.nameservers = parseNameservers(string(resolv))
	return nil
}

// answersUnix reports whether something listens on a Unix socket.
func answersUnix(ctx context.Context, path string) bool {
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	return err == nil && connection.Close() == nil
}

// prefixes returns the networks of an interface's addresses.
func prefixes(addresses []net.Addr) []netip.Prefix {
	var found []netip.Prefix
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil {
			found = append(found, prefix.Masked())
		}
	}
	return found
}

// output runs a program for what it prints; a program that fails prints nothing
// that counts.
func output(ctx context.Context, program string, args ...string) string {
	path, err := lookTool(program)
	if err != nil {
		return ""
	}
	printed, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		return ""
	}
	return string(printed)
}
