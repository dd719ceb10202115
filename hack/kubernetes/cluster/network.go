package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	// firstServiceCIDR is where Services live unless the host uses it.
	firstServiceCIDR = "10.96.0.0/16"
	// aliasPrefix marks an instance's bridge. The mark lives in the network
	// namespace itself, as the rules of kube-proxy do, and goes with it.
	aliasPrefix = "argus-kubernetes instance "
	// bridgeMAC is locally administered. Without an address of its own a bridge takes
	// that of one of its ports, and changes it as pods come and go.
	bridgeMAC = "02:61:72:67:75:73"
)

// network is the address plan of an instance with a node.
type network struct {
	Bridge  string `json:"bridge,omitempty"`
	Subnet  string `json:"subnet,omitempty"`
	Gateway string `json:"gateway,omitempty"`
	// ServiceCIDR is the range of Service addresses.
	ServiceCIDR string `json:"serviceCIDR"`
}

// chooseNetwork picks a bridge name and address ranges that the host does not use.
func chooseNetwork(h host) (network, error) {
	var chosen network
	for i := range 10 {
		if _, taken := h.links[fmt.Sprintf("argus%d", i)]; !taken {
			chosen.Bridge = fmt.Sprintf("argus%d", i)
			break
		}
	}
	subnet, okSubnet := freePrefix(h.occupied, 256, func(i byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, i, 0}), 24)
	})
	services, okServices := freePrefix(h.occupied, 16, func(i byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 96 + i, 0, 0}), 16)
	})
	if chosen.Bridge == "" || !okSubnet || !okServices {
		return chosen, errors.New("the host's routes and interfaces leave no room for a bridge argus0 to argus9, a subnet in 10.244.0.0/16 or Service addresses in 10.96.0.0/12")
	}
	chosen.Subnet, chosen.Gateway, chosen.ServiceCIDR = subnet.String(), subnet.Addr().Next().String(), services.String()
	return chosen, nil
}

// freePrefix returns the first of count candidates that overlaps nothing occupied.
func freePrefix(occupied []netip.Prefix, count int, candidate func(i byte) netip.Prefix) (netip.Prefix, bool) {
	for i := range count {
		prefix := candidate(byte(i))
		if !slices.ContainsFunc(occupied, prefix.Overlaps) {
			return prefix, true
		}
	}
	return netip.Prefix{}, false
}

// checkNetwork says whether the host has come to use what the instance's network uses.
func (h host) checkNetwork(n network) error {
	for _, cidr := range []string{n.Subnet, n.ServiceCIDR} {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return fmt.Errorf("the instance's record: %w", err)
		}
		if i := slices.IndexFunc(h.occupied, prefix.Overlaps); i >= 0 {
			return fmt.Errorf("the host has come to use %s, which overlaps the instance's %s; take the instance down and up again", h.occupied[i], prefix)
		}
	}
	if alias, exists := h.links[n.Bridge]; exists && !strings.HasPrefix(alias, aliasPrefix) {
		return fmt.Errorf("another network interface has come to be named %s; take the instance down and up again", n.Bridge)
	}
	return nil
}

// admitNode says whether another instance, or another kube-proxy, already rules
// this network namespace: its nftables have one name whoever writes them.
func (h host) admitNode(name string) error {
	for link, alias := range h.links {
		owner, marked := strings.CutPrefix(alias, aliasPrefix)
		if marked && owner != name {
			return fmt.Errorf("instance %q already runs a node here (bridge %s), and a network namespace has room for one; take it down first (down --name %s)", owner, link, owner)
		}
		if marked {
			return nil
		}
	}
	if h.kubelet {
		return errors.New("another kubelet runs on this machine (it serves " + devicePluginSocket + "), and a machine has room for one")
	}
	if slices.Contains(h.tables, "ip kube-proxy") {
		return errors.New("another kube-proxy rules this network namespace (nft list table ip kube-proxy); stop it, or delete the table if it was left behind")
	}
	return nil
}

// ensureNetwork creates the bridge with the node's address on it, lets the host
// forward, and makes sure that cluster DNS will find its port free.
func (in *instance) ensureNetwork(ctx context.Context) error {
	n := in.Network
	if _, exists := in.host.links[n.Bridge]; !exists {
		if err := createBridge(ctx, n, in.Name); err != nil {
			return err
		}
	}
	if err := os.WriteFile(sysctlPath("net.ipv4.ip_forward"), []byte("1"), 0o644); err != nil {
		return fmt.Errorf("letting the host forward packets: %w", err)
	}
	if in.host.forwardDrops {
		if err := acceptForwarding(ctx, n.Subnet); err != nil {
			return err
		}
	}
	if _, running := in.running("coredns"); running {
		return nil
	}
	return checkDNSPort(n.Gateway)
}

func createBridge(ctx context.Context, n network, name string) error {
	subnet, err := netip.ParsePrefix(n.Subnet)
	if err != nil {
		return fmt.Errorf("creating bridge %s: %w", n.Bridge, err)
	}
	address := fmt.Sprintf("%s/%d", n.Gateway, subnet.Bits())
	for _, args := range [][]string{
		{"link", "add", "name", n.Bridge, "address", bridgeMAC, "type", "bridge"},
		{"link", "set", "dev", n.Bridge, "alias", aliasPrefix + name},
		{"address", "add", address, "dev", n.Bridge},
		{"link", "set", "dev", n.Bridge, "up"},
	} {
		if err := command(ctx, "ip", args...); err != nil {
			return fmt.Errorf("creating bridge %s: %w", n.Bridge, err)
		}
	}
	return nil
}

// findBridge returns the name of the named instance's bridge, empty when there is none.
func findBridge(name string) (string, error) {
	links, err := filepath.Glob("/sys/class/net/*/ifalias")
	if err != nil {
		return "", err
	}
	for _, file := range links {
		alias, err := os.ReadFile(file)
		if err == nil && strings.TrimSpace(string(alias)) == aliasPrefix+name {
			return filepath.Base(filepath.Dir(file)), nil
		}
	}
	return "", nil
}

// removeBridge deletes a bridge and what is still plugged into it.
func removeBridge(ctx context.Context, bridge string) error {
	ports, err := filepath.Glob("/sys/class/net/" + bridge + "/brif/*")
	if err != nil {
		return err
	}
	for _, port := range ports {
		// A veth whose other end's namespace is just going may be gone already.
		_ = command(ctx, "ip", "link", "delete", "dev", filepath.Base(port))
	}
	return command(ctx, "ip", "link", "delete", "dev", bridge)
}

// forwardRules are the rules that let the pods' packets pass a firewall that drops by default.
func forwardRules(subnet string) [][]string {
	const comment = "argus-kubernetes"
	return [][]string{
		{"FORWARD", "-s", subnet, "-m", "comment", "--comment", comment, "-j", "ACCEPT"},
		{"FORWARD", "-d", subnet, "-m", "comment", "--comment", comment, "-j", "ACCEPT"},
	}
}

func acceptForwarding(ctx context.Context, subnet string) error {
	for _, rule := range forwardRules(subnet) {
		if command(ctx, "iptables", append([]string{"--wait", "-C"}, rule...)...) == nil {
			continue
		}
		if err := command(ctx, "iptables", append([]string{"--wait", "-I"}, rule...)...); err != nil {
			return fmt.Errorf("letting pods' packets pass: %w", err)
		}
	}
	return nil
}

// dropForwarding removes the rules, if they were made.
func dropForwarding(ctx context.Context, subnet string) error {
	if subnet == "" || !isInstalled("iptables") {
		return nil
	}
	for _, rule := range forwardRules(subnet) {
		if command(ctx, "iptables", append([]string{"--wait", "-C"}, rule...)...) != nil {
			continue
		}
		if err := command(ctx, "iptables", append([]string{"--wait", "-D"}, rule...)...); err != nil {
			return fmt.Errorf("removing the rules that let pods' packets pass: %w", err)
		}
	}
	return nil
}

// checkDNSPort says whether something else serves DNS on the node's address.
func checkDNSPort(address string) error {
	endpoint := net.JoinHostPort(address, "53")
	packets, err := net.ListenPacket("udp", endpoint)
	if err == nil {
		err = packets.Close()
	}
	if err == nil {
		var listener net.Listener
		if listener, err = net.Listen("tcp", endpoint); err == nil {
			err = listener.Close()
		}
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cluster DNS needs %s, but something serves port 53 on every address (dnsmasq?); stop it or bind it to loopback", endpoint)
	}
	if err != nil {
		return fmt.Errorf("trying the address of cluster DNS: %w", err)
	}
	return nil
}

// command runs a program of the host; its error holds what the program printed.
func command(ctx context.Context, program string, args ...string) error {
	path, err := lookTool(program)
	if err != nil {
		return err
	}
	printed, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(string(printed)))
	}
	return nil
}
