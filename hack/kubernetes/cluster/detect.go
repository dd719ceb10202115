package cluster

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// mount is one line of /proc/self/mountinfo.
type mount struct {
	point  string
	fsType string
}

// parseMounts reads /proc/self/mountinfo (proc_pid_mountinfo(5)): the mount point
// is the fifth field, the file system's type follows a lone dash.
func parseMounts(mountinfo string) []mount {
	const pointField = 4
	var mounts []mount
	for line := range strings.Lines(mountinfo) {
		before, after, found := strings.Cut(line, " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !found || len(fields) <= pointField || len(rest) == 0 {
			continue
		}
		mounts = append(mounts, mount{point: unescapeMount(fields[pointField]), fsType: rest[0]})
	}
	return mounts
}

// unescapeMount undoes the kernel's octal escapes of blanks and backslashes.
func unescapeMount(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// mountsUnder returns the mount points at or below a directory, the latest mount first.
func mountsUnder(mounts []mount, dir string) []string {
	var points []string
	for i := len(mounts) - 1; i >= 0; i-- {
		if point := mounts[i].point; point == dir || strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	return points
}

// fileSystemOf returns the type of the file system that a path lies on.
func fileSystemOf(mounts []mount, path string) string {
	best, fsType := -1, ""
	for _, m := range mounts {
		prefix := strings.TrimSuffix(m.point, "/")
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) >= best {
			best, fsType = len(prefix), m.fsType
		}
	}
	return fsType
}

// snapshotter chooses how containerd stacks layers: the kernel does not put an
// overlay on an overlay, which is what a container's own root is.
func snapshotter(stateFS string) string {
	if stateFS == "overlay" {
		return "native"
	}
	return "overlayfs"
}

// cgroups is where control groups are mounted: version 1 has a hierarchy for each
// controller, version 2 has one for all. Version 0 means none.
type cgroups struct {
	version     int
	hierarchies []string
}

// findCgroups decides the version as the kubelet does, by what is mounted at
// /sys/fs/cgroup. A hybrid machine, whose version 2 hierarchy lies below, counts as
// version 1; runc uses that hierarchy too.
func findCgroups(mounts []mount) cgroups {
	const root = "/sys/fs/cgroup"
	found := cgroups{}
	for _, m := range mounts {
		switch {
		case m.fsType == "cgroup2" && m.point == root:
			return cgroups{version: 2, hierarchies: []string{root}}
		case m.fsType == "cgroup" && strings.HasPrefix(m.point, root+"/"):
			found.version = 1
			found.hierarchies = append(found.hierarchies, m.point)
		case m.fsType == "cgroup2" && strings.HasPrefix(m.point, root+"/"):
			found.hierarchies = append(found.hierarchies, m.point)
		}
	}
	return found
}

// containerdVersion is what the configuration file of containerd depends on.
type containerdVersion struct{ major, minor int }

var containerdNumber = regexp.MustCompile(`\bv?(\d+)\.(\d+)\.\d+`)

// parseContainerdVersion reads "containerd --version".
func parseContainerdVersion(printed string) (containerdVersion, error) {
	match := containerdNumber.FindStringSubmatch(printed)
	if match == nil {
		return containerdVersion{}, fmt.Errorf("containerd --version printed %q, which names no version", strings.TrimSpace(printed))
	}
	major, errMajor := strconv.Atoi(match[1])
	minor, errMinor := strconv.Atoi(match[2])
	if errMajor != nil || errMinor != nil || major < 1 || major > 2 {
		return containerdVersion{}, fmt.Errorf("containerd %s is neither version 1 nor 2", match[0])
	}
	return containerdVersion{major: major, minor: minor}, nil
}

// template is the configuration file's: version 2 renamed its sections.
func (v containerdVersion) template() string {
	return fmt.Sprintf("containerd-%d.toml", v.major)
}

// cniBinKey is the key that the directory of the CNI plugins has: version 2.1
// introduced a list, and 2.4 knows nothing else.
func (v containerdVersion) cniBinKey() string {
	if v.major == 2 && v.minor >= 1 {
		return "bin_dirs"
	}
	return "bin_dir"
}

// parseRoutes reads the destinations of /proc/net/route, the default route and
// those through the ignored interface excepted. Addresses are in hexadecimal, in
// the machine's byte order, which is little-endian wherever Kubernetes runs.
func parseRoutes(table, ignore string) []netip.Prefix {
	const interfaceField, destinationField, maskField = 0, 1, 7
	var found []netip.Prefix
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) <= maskField || fields[interfaceField] == ignore {
			continue
		}
		destination, errDestination := hex.DecodeString(fields[destinationField])
		mask, errMask := hex.DecodeString(fields[maskField])
		if errDestination != nil || errMask != nil || len(destination) != 4 || len(mask) != 4 {
			continue // the heading
		}
		var address [4]byte
		binary.BigEndian.PutUint32(address[:], binary.LittleEndian.Uint32(destination))
		ones := bits.OnesCount32(binary.LittleEndian.Uint32(mask))
		if ones > 0 {
			found = append(found, netip.PrefixFrom(netip.AddrFrom4(address), ones))
		}
	}
	return found
}

// parseTables reads "nft list tables": lines such as "table ip kube-proxy".
func parseTables(printed string) []string {
	var tables []string
	for line := range strings.Lines(printed) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "table "); found {
			tables = append(tables, name)
		}
	}
	return tables
}

// forwardDrops reads "iptables -S FORWARD": Docker, for one, sets the policy to DROP.
func forwardDrops(printed string) bool {
	return strings.Contains(printed, "-P FORWARD DROP")
}

// parseNameservers reads the name servers of resolv.conf that can be reached from
// another address: a resolver on loopback, such as systemd's, is of no use to
// cluster DNS, or is cluster DNS itself.
func parseNameservers(resolv string) []string {
	var servers []string
	for line := range strings.Lines(resolv) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		address, err := netip.ParseAddr(fields[1])
		if err == nil && !address.IsLoopback() && address.Is4() {
			servers = append(servers, fields[1])
		}
	}
	return servers
}
