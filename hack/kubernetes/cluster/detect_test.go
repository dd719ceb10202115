package cluster

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMounts(t *testing.T) {
	const mountinfo = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:27 / /with\040blank rw - overlay overlay rw
not a mount
`
	want := []mount{{"/", "ext4"}, {"/sys/fs/cgroup", "tmpfs"}, {"/with blank", "overlay"}}
	if diff := cmp.Diff(want, parseMounts(mountinfo), cmp.AllowUnexported(mount{})); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestMountsUnder(t *testing.T) {
	mounts := []mount{{"/", "ext4"}, {"/s/argus/a", "tmpfs"}, {"/s/argus-other/a", "tmpfs"}, {"/s/argus/a/b", "overlay"}, {"/s/argus", "ext4"}}
	want := []string{"/s/argus", "/s/argus/a/b", "/s/argus/a"}
	if diff := cmp.Diff(want, mountsUnder(mounts, "/s/argus")); diff != "" {
		t.Errorf("the latest first, no neighbour (-want +got):\n%s", diff)
	}
}

func TestSnapshotter(t *testing.T) {
	for name, tc := range map[string]struct {
		mounts []mount
		want   string
	}{
		"a disk takes an overlay": {
			mounts: []mount{{"/", "ext4"}},
			want:   "overlayfs",
		},
		"a container's own root is an overlay already": {
			mounts: []mount{{"/", "overlay"}, {"/proc", "proc"}},
			want:   "native",
		},
		"a volume below a container's root is a disk": {
			mounts: []mount{{"/", "overlay"}, {"/state", "xfs"}},
			want:   "overlayfs",
		},
		"a mount upon a mount hides it": {
			mounts: []mount{{"/", "ext4"}, {"/state", "xfs"}, {"/state", "overlay"}},
			want:   "native",
		},
		"a directory whose name begins alike is another": {
			mounts: []mount{{"/", "ext4"}, {"/sta", "overlay"}},
			want:   "overlayfs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := snapshotter(fileSystemOf(tc.mounts, "/state/argus")); got != tc.want {
				t.Errorf("snapshotter %q, want %q", got, tc.want)
			}
		})
	}
}

func TestFindCgroups(t *testing.T) {
	for name, tc := range map[string]struct {
		mounts []mount
		want   cgroups
	}{
		"version 2 has one hierarchy": {
			mounts: []mount{{"/", "ext4"}, {"/sys/fs/cgroup", "cgroup2"}},
			want:   cgroups{version: 2, hierarchies: []string{"/sys/fs/cgroup"}},
		},
		"version 1 has one for each controller": {
			mounts: []mount{{"/sys/fs/cgroup", "tmpfs"}, {"/sys/fs/cgroup/cpu", "cgroup"}, {"/sys/fs/cgroup/memory", "cgroup"}},
			want:   cgroups{version: 1, hierarchies: []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory"}},
		},
		"a hybrid machine counts as version 1": {
			mounts: []mount{{"/sys/fs/cgroup", "tmpfs"}, {"/sys/fs/cgroup/cpu", "cgroup"}, {"/sys/fs/cgroup/unified", "cgroup2"}},
			want:   cgroups{version: 1, hierarchies: []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"}},
		},
		"none are mounted": {
			mounts: []mount{{"/", "ext4"}},
			want:   cgroups{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, findCgroups(tc.mounts), cmp.AllowUnexported(cgroups{})); diff != "" {
				t.Errorf("control groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContainerdVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		printed string
		want    containerdVersion
		wantErr string
	}{
		"Debian 12": {
			printed: "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n",
			want:    containerdVersion{1, 6},
		},
		"upstream's 1.7": {
			printed: "containerd github.com/containerd/containerd v1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da\n",
			want:    containerdVersion{1, 7},
		},
		"upstream's 2.1, whose path ends in v2": {
			printed: "containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4e490e9fbdc236c0e811ccaba3376\n",
			want:    containerdVersion{2, 1},
		},
		"a version that is not known": {
			printed: "containerd github.com/containerd/containerd/v3 v3.0.0 0\n",
			wantErr: "containerd v3.0.0 is neither version 1 nor 2",
		},
		"nothing": {
			wantErr: `containerd --version printed "", which names no version`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseContainerdVersion(tc.printed)
			if got != tc.want || errorText(err) != tc.wantErr {
				t.Errorf("got %v, %v; want %v, %q", got, err, tc.want, tc.wantErr)
			}
		})
	}
}

func TestParseRoutes(t *testing.T) {
	const table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
argus0	0000F40A	00000000	0001	0	0	0	00FFFFFF	0	0	0
`
	want := []string{"192.0.2.0/24"}
	if diff := cmp.Diff(want, texts(parseRoutes(table, "argus0"))); diff != "" {
		t.Errorf("neither the default route nor our own bridge's (-want +got):\n%s", diff)
	}
	want = append(want, "10.244.0.0/24")
	if diff := cmp.Diff(want, texts(parseRoutes(table, ""))); diff != "" {
		t.Errorf("somebody else's bridge counts (-want +got):\n%s", diff)
	}
}

func TestParseTables(t *testing.T) {
	want := []string{"ip kube-proxy", "inet filter"}
	if diff := cmp.Diff(want, parseTables("table ip kube-proxy\ntable inet filter\n")); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestForwardDrops(t *testing.T) {
	for name, tc := range map[string]struct {
		printed string
		want    bool
	}{
		"Docker's host":           {"-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n", true},
		"a host without firewall": {"-P FORWARD ACCEPT\n", false},
		"a host without iptables": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := forwardDrops(tc.printed); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestParseNameservers(t *testing.T) {
	for name, tc := range map[string]struct {
		resolv string
		want   []string
	}{
		"a server on the network is asked": {
			resolv: "search example.org\nnameserver 192.0.2.53\noptions edns0\n",
			want:   []string{"192.0.2.53"},
		},
		"systemd's resolver on loopback cannot be": {
			resolv: "nameserver 127.0.0.53\n",
		},
		"what is no address is passed over": {
			resolv: "nameserver\nnameserver here\n# nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
			want:   []string{"192.0.2.2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, parseNameservers(tc.resolv)); diff != "" {
				t.Errorf("name servers (-want +got):\n%s", diff)
			}
		})
	}
}

func texts(list []netip.Prefix) []string {
	var printed []string
	for _, prefix := range list {
		printed = append(printed, prefix.String())
	}
	return printed
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
