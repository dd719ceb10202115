package cluster

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChooseNetwork(t *testing.T) {
	for name, tc := range map[string]struct {
		host    host
		want    network
		wantErr bool
	}{
		"a host that uses none of it": {
			host: host{occupied: ranges("192.0.2.0/24"), links: map[string]string{"eth0": ""}},
			want: network{Bridge: "argus0", Subnet: "10.244.0.0/24", Gateway: "10.244.0.1", ServiceCIDR: "10.96.0.0/16"},
		},
		"another cluster's pods at 10.244.0.0/24 make us move up": {
			host: host{occupied: ranges("10.244.0.0/24", "10.244.1.0/25")},
			want: network{Bridge: "argus0", Subnet: "10.244.2.0/24", Gateway: "10.244.2.1", ServiceCIDR: "10.96.0.0/16"},
		},
		"a route into 10.96.0.0/16 moves the Services": {
			host: host{occupied: ranges("10.96.7.0/24")},
			want: network{Bridge: "argus0", Subnet: "10.244.0.0/24", Gateway: "10.244.0.1", ServiceCIDR: "10.97.0.0/16"},
		},
		"a foreign interface has the bridge's name": {
			host: host{links: map[string]string{"argus0": "", "argus1": "somebody's"}},
			want: network{Bridge: "argus2", Subnet: "10.244.0.0/24", Gateway: "10.244.0.1", ServiceCIDR: "10.96.0.0/16"},
		},
		"a VPN takes all of 10.0.0.0/8": {
			host:    host{occupied: ranges("10.0.0.0/8")},
			wantErr: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := chooseNetwork(tc.host)
			if tc.wantErr {
				if err == nil {
					t.Errorf("got %v, want an error", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("network (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckNetwork(t *testing.T) {
	plan := network{Bridge: "argus0", Subnet: "10.244.0.0/24", Gateway: "10.244.0.1", ServiceCIDR: "10.96.0.0/16"}
	for name, tc := range map[string]struct {
		host host
		want string
	}{
		"nothing has changed": {
			host: host{occupied: ranges("192.0.2.0/24"), links: map[string]string{"argus0": aliasPrefix + "a"}},
		},
		"the bridge went with a reboot": {
			host: host{links: map[string]string{"eth0": ""}},
		},
		"a VPN has come": {
			host: host{occupied: ranges("10.244.0.0/16")},
			want: "the host has come to use 10.244.0.0/16",
		},
		"the bridge's name was taken": {
			host: host{links: map[string]string{"argus0": "somebody's"}},
			want: "another network interface has come to be named argus0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkError(t, tc.host.checkNetwork(plan), tc.want)
		})
	}
}

func TestAdmitNode(t *testing.T) {
	for name, tc := range map[string]struct {
		host host
		want string
	}{
		"the first node": {
			host: host{links: map[string]string{"eth0": ""}, tables: []string{"inet filter"}},
		},
		"the same instance again, with its rules in place": {
			host: host{links: map[string]string{"argus0": aliasPrefix + "mine"}, tables: []string{"ip kube-proxy"}, kubelet: true},
		},
		"another instance is named": {
			host: host{links: map[string]string{"argus0": aliasPrefix + "demo"}},
			want: `instance "demo" already runs a node here (bridge argus0)`,
		},
		"somebody else's kube-proxy": {
			host: host{tables: []string{"ip kube-proxy"}},
			want: "another kube-proxy rules this network namespace",
		},
		"somebody else's kubelet": {
			host: host{kubelet: true},
			want: "another kubelet runs on this machine",
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkError(t, tc.host.admitNode("mine"), tc.want)
		})
	}
}

func TestCheckPlatform(t *testing.T) {
	for name, tc := range map[string]struct {
		level    Level
		platform platform
		want     string
	}{
		"a control plane needs no rights":  {ControlPlane, platform{os: "linux"}, ""},
		"a node runs as root":              {Node, platform{os: "linux", root: true}, ""},
		"a node does not run as a user":    {Node, platform{os: "linux"}, "needs root"},
		"nothing runs on another platform": {ControlPlane, platform{os: "darwin", root: true}, "runs on Linux only, this is darwin"},
	} {
		t.Run(name, func(t *testing.T) {
			checkError(t, checkPlatform(tc.level, tc.platform), tc.want)
		})
	}
}

// checkError wants an error that says something, or none when that is empty.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil {
		t.Errorf("error %v, want none", err)
	}
	if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want it to say %q", err, want)
	}
}

func ranges(cidrs ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, cidr := range cidrs {
		list = append(list, netip.MustParsePrefix(cidr))
	}
	return list
}
