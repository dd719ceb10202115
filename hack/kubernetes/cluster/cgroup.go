package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// create makes the control group in every hierarchy. On version 2 the controllers
// have to be handed down first; one that this kernel lacks is none that a pod uses.
func (c cgroups) create(name string) error {
	for _, hierarchy := range c.hierarchies {
		if c.version == 2 {
			for _, controller := range []string{"cpu", "cpuset", "hugetlb", "io", "memory", "pids"} {
				_ = os.WriteFile(filepath.Join(hierarchy, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
			}
		}
		if err := os.MkdirAll(filepath.Join(hierarchy, name), 0o755); err != nil {
			return fmt.Errorf("creating a control group: %w", err)
		}
	}
	return nil
}

// ownCgroups lists the control groups at and below the named one, in every
// hierarchy, parents first.
func ownCgroups(name string) ([]string, error) {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("finding control groups: %w", err)
	}
	var groups []string
	for _, hierarchy := range findCgroups(parseMounts(string(mountinfo))).hierarchies {
		_ = filepath.WalkDir(filepath.Join(hierarchy, name), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, path)
			}
			return nil // a group that vanishes meanwhile is no failure
		})
	}
	return groups, nil
}

// removeCgroups removes the instance's control groups, children first. The kernel
// needs a moment to let go of a group whose last process has ended.
func (in *instance) removeCgroups(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return poll(ctx, 20*time.Millisecond, func(context.Context) error {
		groups, err := ownCgroups(cgroupName(in.Name))
		if err != nil {
			return err
		}
		slices.Reverse(groups)
		var failed []error
		for _, group := range groups {
			if err := os.Remove(group); err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed = append(failed, fmt.Errorf("removing a control group: %w", err))
			}
		}
		return errors.Join(failed...)
	})
}
