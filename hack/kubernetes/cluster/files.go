package cluster

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"text/template"
)

// templates are the parts' configuration files, before an instance's values.
//
//go:embed files
var templates embed.FS

// volumesPerMode is how many local volumes a node offers for each access mode.
// They are directories and cost nothing until used; a released one is not offered again.
const volumesPerMode = 16

// volume is a local volume of 2Gi. The API does not let one volume offer
// ReadWriteOncePod beside another mode.
type volume struct {
	Name       string
	AccessMode string
}

func volumes() []volume {
	var list []volume
	for i := range volumesPerMode {
		list = append(list,
			volume{fmt.Sprintf("local-rwo-%02d", i+1), "ReadWriteOnce"},
			volume{fmt.Sprintf("local-rwop-%02d", i+1), "ReadWriteOncePod"})
	}
	return list
}

// values fill the templates.
type values struct {
	record
	network
	Dir             string
	NodeName        string
	PauseImage      string
	CNIBin          string
	CNIBinKey       string
	CNINetwork      string
	Snapshotter     string
	Cgroup          string
	CgroupVersion   int
	BridgeNetfilter bool
	Nameservers     []string
	Volumes         []volume
}

// values gathers what the templates need.
func (in *instance) values() values {
	return values{
		record:          in.record,
		network:         in.Network,
		Dir:             in.dir,
		NodeName:        in.Node,
		PauseImage:      pauseImage,
		CNIBin:          in.host.cniBin,
		CNIBinKey:       in.host.containerd.cniBinKey(),
		CNINetwork:      cniNetwork(in.Name),
		Snapshotter:     snapshotter(in.host.stateFS),
		Cgroup:          cgroupName(in.Name),
		CgroupVersion:   in.host.cgroups.version,
		BridgeNetfilter: bridgeNetfilter(),
		Nameservers:     in.host.nameservers,
		Volumes:         volumes(),
	}
}

// cniNetwork names the pod network in the CNI cache, which instances share.
func cniNetwork(name string) string { return "argus-kubernetes-" + name }

// cgroupName is the control group below which the kubelet puts the pods.
func cgroupName(name string) string { return "argus-kubernetes-" + name }

// bridgeNetfilter reports whether the kernel shows bridged packets to netfilter.
// The answer is known once there is a bridge.
func bridgeNetfilter() bool {
	value, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-iptables")
	return err == nil && strings.TrimSpace(string(value)) == "1"
}

// configFiles maps the configuration files of a level to their templates.
func configFiles(level Level, containerd containerdVersion) map[string]string {
	files := map[string]string{"audit-policy.yaml": "audit-policy.yaml"}
	if level == Node {
		files["containerd/config.toml"] = containerd.template()
		files["cni/net.d/10-argus.conflist"] = "cni.conflist"
		files["kubelet.yaml"] = "kubelet.yaml"
		files["kube-proxy.yaml"] = "kube-proxy.yaml"
		files["Corefile"] = "Corefile"
		files["objects.yaml"] = "objects.yaml"
	}
	return files
}

// render fills a template. A value that is missing is an error.
func render(name string, v values) ([]byte, error) {
	parsed, err := template.New(name).Option("missingkey=error").ParseFS(templates, "files/"+name)
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// writeConfig writes the parts' configuration files and the volumes' directories.
func (in *instance) writeConfig() error {
	v := in.values()
	for file, name := range configFiles(in.Level, in.host.containerd) {
		data, err := render(name, v)
		if err != nil {
			return err
		}
		if err := writeFile(in.path(file), data, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", file, err)
		}
	}
	if in.Level != Node {
		return nil
	}
	var failed []error
	for _, volume := range v.Volumes {
		failed = append(failed, os.MkdirAll(in.path("volumes", volume.Name), 0o770))
	}
	return errors.Join(failed...)
}

// firstAddress is the first usable address of a range, where the API server's own
// Service lives.
func firstAddress(cidr string) string {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return ""
	}
	return prefix.Masked().Addr().Next().String()
}
