package cluster

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// changedSysctls are the settings of the host that a node changes: forwarding by
// us, the others by the kubelet (setupKernelTunables in pkg/kubelet/cm).
func changedSysctls() []string {
	return []string{
		"net.ipv4.ip_forward",
		"vm.overcommit_memory",
		"vm.panic_on_oom",
		"kernel.panic",
		"kernel.panic_on_oops",
		"kernel.keys.root_maxkeys",
		"kernel.keys.root_maxbytes",
	}
}

func sysctlPath(name string) string {
	return "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
}

// readSysctls returns the present values of those settings that this kernel has.
func readSysctls(names []string) map[string]string {
	values := map[string]string{}
	for _, name := range names {
		if value, err := os.ReadFile(sysctlPath(name)); err == nil {
			values[name] = strings.TrimSpace(string(value))
		}
	}
	return values
}

// restoreSysctls writes back the values that differ.
func restoreSysctls(values map[string]string) error {
	var failed []error
	for name, value := range values {
		current, err := os.ReadFile(sysctlPath(name))
		if err == nil && strings.TrimSpace(string(current)) == value {
			continue
		}
		if err := os.WriteFile(sysctlPath(name), []byte(value), 0o644); err != nil {
			failed = append(failed, fmt.Errorf("restoring %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}
