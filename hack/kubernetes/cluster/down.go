package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// takeDown ends the parts in reverse order and undoes what they did. It goes on
// after a failure, so that as little as possible is left, and reports them all.
func (in *instance) takeDown(ctx context.Context) error {
	names := partNames(Node) // a record may be lost, and with it the level
	slices.Reverse(names)
	var failed []error
	for _, name := range names {
		failed = append(failed, in.stopPart(ctx, name, stopGrace(name)))
		if name == "kubelet" && in.Level == Node {
			failed = append(failed, in.killPods(ctx))
		}
	}
	if in.Level == Node {
		failed = append(failed, in.undoNode(ctx))
	}
	if err := errors.Join(failed...); err != nil {
		return err // the directory stays, so that another attempt knows what to end
	}
	return in.removeDir()
}

// stopGrace is how long a part may take to end.
func stopGrace(name string) time.Duration {
	if name == "kube-apiserver" {
		return 15 * time.Second
	}
	return 10 * time.Second
}

// undoNode removes what a node leaves on the host.
func (in *instance) undoNode(ctx context.Context) error {
	bridge, err := findBridge(in.Name)
	failed := []error{err, in.sweepPods(ctx), restoreSysctls(in.Sysctls), dropForwarding(ctx, in.Network.Subnet)}
	if bridge != "" {
		// Whose bridge it is says whose rules they are.
		failed = append(failed, removeProxyRules(ctx), removeBridge(ctx, bridge))
	}
	in.removeStrays(ctx)
	return errors.Join(failed...)
}

// removeProxyRules deletes the nftables tables of kube-proxy.
func removeProxyRules(ctx context.Context) error {
	var failed []error
	for _, table := range parseTables(output(ctx, "nft", "list", "tables")) {
		if family, name, _ := strings.Cut(table, " "); name == "kube-proxy" {
			failed = append(failed, command(ctx, "nft", "delete", "table", family, name))
		}
	}
	return errors.Join(failed...)
}

// removeDir removes the instance's directory, save the logs when they were asked for.
// What is mounted there may be the host's own, and must not be removed with it.
func (in *instance) removeDir() error {
	if err := unmountUnder(in.dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(in.dir)
	if err != nil {
		return fmt.Errorf("removing the instance's directory: %w", err)
	}
	for _, entry := range entries {
		if in.opts.KeepLogs && entry.Name() == "logs" {
			continue
		}
		if err := os.RemoveAll(in.path(entry.Name())); err != nil {
			return fmt.Errorf("removing the instance's directory: %w", err)
		}
	}
	if in.opts.KeepLogs {
		in.logf("instance %q is gone; its logs are in %s", in.Name, in.path("logs"))
		return nil
	}
	if err := os.Remove(in.dir); err != nil {
		return fmt.Errorf("removing the instance's directory: %w", err)
	}
	in.logf("instance %q is gone", in.Name)
	return nil
}
