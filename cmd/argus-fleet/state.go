package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

// withState runs do with the state file of this environment locked, so that no
// control plane has it.
func withState(ctx context.Context, do func(path string) error) error {
	lookup, err := environment()
	if err != nil {
		return err
	}
	path, ok := lookup(fleetapi.EnvFleetState)
	if !ok || path == "" {
		path = fleetserver.DefaultState
	}
	lock, err := store.Acquire(ctx, path, time.Now())
	if err != nil {
		return err
	}
	err = errors.Join(do(path), lock.Release())
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %s names the state file", err, fleetapi.EnvFleetState)
	}
	return err
}

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check the state file of a control plane that is stopped", Args: noArguments,
		Long: "Check the state file (" + fleetapi.EnvFleetState + ") of a control plane that is stopped: the file's own structure, and that no number " +
			"belongs to two clusters of one fleet or is yet to be drawn. The file is only read.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := withState(cmd.Context(), func(path string) error { return verify(path, cmd.OutOrStdout()) })
			return quiet(err)
		},
	}
}

// quiet marks an error as one of a tool: the container's last words are not its.
func quiet(err error) error {
	if err == nil {
		return nil
	}
	return &quietError{err}
}

func verify(path string, out io.Writer) error {
	wrong, err := store.Verify(path)
	if err != nil {
		return err
	}
	for _, line := range wrong {
		fmt.Fprintln(out, "[!!]", line)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("state file %s has %d fault(s)", path, len(wrong))
	}
	fmt.Fprintln(out, "[ok]", path)
	return nil
}

func importCommand() *cobra.Command {
	var from string
	var skip int
	command := &cobra.Command{
		Use: "import", Short: "Bring a backup or a Python control plane's state into the state file", Args: noArguments,
		Long: "Bring a state into the state file (" + fleetapi.EnvFleetState + ") of a control plane that is stopped: a backup of ours, or the JSON of a Python control plane. " +
			"A state that is there is never replaced. With --skip-numbers the numbers drawn since an old backup are not given again.",
		Example: "  argus-fleet import --from argus-fleet-state.json\n  argus-fleet import --from backup.db --skip-numbers 100",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if skip < 0 || (from == "" && skip == 0) {
				return quiet(errors.New("say what to import with --from, or a positive --skip-numbers"))
			}
			return quiet(withState(cmd.Context(), func(path string) error { return importState(cmd.Context(), from, path, skip, cmd.OutOrStdout()) }))
		},
	}
	command.Flags().StringVar(&from, "from", "", "file to import")
	command.Flags().IntVar(&skip, "skip-numbers", 0, "raise every fleet's counter by this many")
	return command
}

func importState(ctx context.Context, from, path string, skip int, out io.Writer) error {
	if from != "" {
		if err := bringIn(ctx, from, path); err != nil {
			return err
		}
	}
	if skip > 0 {
		if err := store.SkipNumbers(path, skip); err != nil {
			return err
		}
	}
	return verify(path, out)
}

// bringIn never replaces a state that is there.
func bringIn(ctx context.Context, from, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state file %s exists: move it away first", path)
	}
	old, err := store.IsV1(from)
	if err != nil {
		return err
	}
	if !old {
		return store.Restore(from, path)
	}
	// A Python control plane that still runs would go on giving numbers away.
	lock, err := store.Acquire(ctx, from, time.Now())
	if _, held := errors.AsType[*store.LockedError](err); held {
		return err
	}
	defer lock.Release() //nolint:errcheck // without one, as in a directory that nobody can write to, there is nothing to release
	_, err = store.ImportV1(from, path)
	return err
}
