package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// toolPath is searched after PATH, which often lacks what only administrators run.
const toolPath = "/usr/local/sbin:/usr/sbin:/sbin"

// pluginPath is where distributions and upstream put the CNI plugins.
const pluginPath = "/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni"

// nodeTools are the host's programs that a node needs, with their Debian packages.
func nodeTools() map[string]string {
	return map[string]string{
		"containerd": "containerd",
		"ctr":        "containerd",
		"runc":       "runc",
		"host-local": "containernetworking-plugins",
		"nft":        "nftables",
		"ip":         "iproute2",
		"mount":      "mount",
	}
}

// lookTool finds a program of the host, or a CNI plugin.
func lookTool(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range filepath.SplitList(toolPath + ":" + pluginPath) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", program)
}

// missingPackages returns the packages, sorted, of those programs that are not found.
func missingPackages(packages map[string]string, found func(program string) bool) []string {
	missing := map[string]bool{}
	for program, pkg := range packages {
		if !found(program) {
			missing[pkg] = true
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

func isInstalled(program string) bool {
	_, err := lookTool(program)
	return err == nil
}

// ensureNodeTools installs what is missing if it may, and says what is missing if not.
func ensureNodeTools(ctx context.Context, opts Options) error {
	if opts.Install {
		return InstallPackages(ctx, opts.Log, nodeTools())
	}
	missing := missingPackages(nodeTools(), isInstalled)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("a node needs programs that are missing here; install them with: %s (or pass --install)", strings.Join(aptInstall(missing), " "))
}

func aptInstall(packages []string) []string {
	return append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, packages...)
}

// InstallPackages installs the Debian packages of those programs that are not
// found on the host: the map's keys are programs, its values their packages. With
// nothing missing it does nothing; else it needs root and apt-get.
func InstallPackages(ctx context.Context, log io.Writer, packages map[string]string) error {
	missing := missingPackages(packages, isInstalled)
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this host has no apt-get to install %s with; install what provides them", strings.Join(missing, ", "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("installing packages needs root; run: %s", strings.Join(aptInstall(missing), " "))
	}
	if log != nil {
		logf(log, "installing %s", strings.Join(missing, " "))
	}
	if err := apt(ctx, []string{"apt-get", "update"}); err != nil {
		return err
	}
	if err := apt(ctx, aptInstall(missing)); err != nil {
		return err
	}
	if still := missingPackages(packages, isInstalled); len(still) > 0 {
		return errors.New("installed, yet without the programs that were wanted of them: " + strings.Join(still, ", "))
	}
	return nil
}

func apt(ctx context.Context, args []string) error {
	args = append(args, "-o", "DPkg::Lock::Timeout=300", "-q")
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(printed)))
	}
	return nil
}
