package cluster

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example is an instance on a machine that differs in everything from the usual.
func example() *instance {
	return &instance{
		record: record{
			Name: "demo", Level: Node, Node: "demo-node",
			Ports: map[string]int{
				"kubelet": 20001, "kubelet-health": 20002, "kube-proxy-health": 20003,
				"kube-proxy-metrics": 20004, "coredns-health": 20005, "coredns-ready": 20006,
			},
			Network: network{Bridge: "argus1", Subnet: "10.244.3.0/24", Gateway: "10.244.3.1", ServiceCIDR: "10.97.0.0/16"},
		},
		dir: "/state/demo",
		host: host{
			stateFS: "overlay", cniBin: "/opt/cni/bin", nameservers: []string{"192.0.2.53"},
			cgroups: cgroups{version: 2}, containerd: containerdVersion{2, 1},
		},
	}
}

func TestConfigFiles(t *testing.T) {
	v := example().values()
	v.BridgeNetfilter = false
	v.Volumes = v.Volumes[:2]
	for _, major := range []int{1, 2} {
		for _, name := range configFiles(Node, containerdVersion{major: major}) {
			got, err := render(name, v)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "golden", name)
			if *update {
				if err := writeFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestConfigFilesParse(t *testing.T) {
	v := example().values()
	for _, name := range configFiles(Node, containerdVersion{major: 1}) {
		data, err := render(name, v)
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(name) {
		case ".yaml":
			for _, document := range strings.Split(string(data), "\n---\n") {
				var object map[string]any
				if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil || object["kind"] == nil {
					t.Errorf("%s: %v, kind %v, in\n%s", name, err, object["kind"], document)
				}
			}
		case ".conflist":
			if !json.Valid(data) {
				t.Errorf("%s is no JSON:\n%s", name, data)
			}
		}
	}
}

func TestConfigFollowsTheHost(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*values)
		file    string
		has     string
		hasNone string
	}{
		"control groups of version 1 are accepted where they are all there is": {
			change: func(v *values) { v.CgroupVersion = 1 },
			file:   "kubelet.yaml", has: "failCgroupV1: false",
		},
		"control groups of version 2 leave the kubelet's own rule": {
			change: func(v *values) { v.CgroupVersion = 2 },
			file:   "kubelet.yaml", has: "failCgroupV1: true",
		},
		"a kernel that filters bridged packets lets pods see who calls": {
			change: func(v *values) { v.BridgeNetfilter = true },
			file:   "kube-proxy.yaml", has: "masqueradeAll: false",
		},
		"a kernel that does not needs answers led through the node": {
			change: func(v *values) { v.BridgeNetfilter = false },
			file:   "kube-proxy.yaml", has: "masqueradeAll: true",
		},
		"containerd 2.1 wants a list of plugin directories": {
			change: func(v *values) { v.CNIBinKey = containerdVersion{2, 1}.cniBinKey() },
			file:   "containerd-2.toml", has: `bin_dirs = ["/opt/cni/bin"]`,
		},
		"containerd 2.0 knows one plugin directory": {
			change: func(v *values) { v.CNIBinKey = containerdVersion{2, 0}.cniBinKey() },
			file:   "containerd-2.toml", has: `bin_dir = "/opt/cni/bin"`,
		},
		"a host without a name server to ask leaves cluster names only": {
			change: func(v *values) { v.Nameservers = nil },
			file:   "Corefile", has: "kubernetes cluster.local", hasNone: "forward",
		},
		"a host's name servers are asked for other names": {
			change: func(v *values) { v.Nameservers = []string{"192.0.2.1", "192.0.2.2"} },
			file:   "Corefile", has: "forward . 192.0.2.1 192.0.2.2\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := example().values()
			tc.change(&v)
			data, err := render(tc.file, v)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(data), tc.has) {
				t.Errorf("%s lacks %q:\n%s", tc.file, tc.has, data)
			}
			if tc.hasNone != "" && strings.Contains(string(data), tc.hasNone) {
				t.Errorf("%s has %q:\n%s", tc.file, tc.hasNone, data)
			}
		})
	}
}
