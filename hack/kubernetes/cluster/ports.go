package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are chosen below the kernel's ephemeral range (from 32768 on), so that no
// outgoing connection takes one while a part is restarted.
const firstPort, lastPort = 20000, 32000

// portNames lists what listens at a level.
func portNames(level Level) []string {
	names := []string{"etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager"}
	if level == Node {
		names = append(names, "kube-scheduler", "kubelet", "kubelet-health", "kube-proxy-health", "kube-proxy-metrics", "coredns-health", "coredns-ready")
	}
	return names
}

// choosePorts picks a free port for each name. They are random, so that two
// instances that start at the same time do not choose alike.
func choosePorts(names []string, free func(port int) bool) (map[string]int, error) {
	ports := make(map[string]int, len(names))
	taken := map[int]bool{}
	for _, name := range names {
		port, err := choosePort(func(port int) bool { return !taken[port] && free(port) })
		if err != nil {
			return nil, fmt.Errorf("choosing a port for %s: %w", name, err)
		}
		ports[name], taken[port] = port, true
	}
	return ports, nil
}

// replacePorts chooses anew each port that somebody else has taken since.
func replacePorts(ports map[string]int, free func(port int) bool) error {
	for name, port := range ports {
		if free(port) {
			continue
		}
		chosen, err := choosePort(free)
		if err != nil {
			return fmt.Errorf("choosing a port for %s: %w", name, err)
		}
		ports[name] = chosen
	}
	return nil
}

func choosePort(free func(port int) bool) (int, error) {
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if free(port) {
			return port, nil
		}
	}
	return 0, errors.New("none is free")
}

// portIsFree reports whether nothing listens on the port, on any address.
func portIsFree(port int) bool {
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
