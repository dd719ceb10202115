// Command argus-fleet is the fleet control plane: bots register and heartbeat
// to it, people and the operator ask it how the fleet is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

// version is set at link time: -ldflags "-X main.version=1.2.3".
var version = "dev"

const (
	exitError = 1
	// terminationLog is where Kubernetes looks for a container's last words.
	terminationLog = "/dev/termination-log"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run executes one command and returns the exit status. What went wrong is one
// line, the last of stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	line := "argus-fleet: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	_, _ = fmt.Fprintln(stderr, line)
	if _, ok := errors.AsType[*quietError](err); !ok {
		lastWords(line)
	}
	if _, ok := errors.AsType[*store.LockedError](err); ok {
		return fleetapi.ExitStateLocked
	}
	return exitError
}

// quietError ends a command that is not the control plane itself.
type quietError struct{ error }

func (e *quietError) Unwrap() error { return e.error }

// lastWords leaves the reason where Kubernetes shows it, if it is there.
func lastWords(line string) {
	file, err := os.OpenFile(terminationLog, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return
	}
	_, _ = file.WriteString(line + "\n")
	_ = file.Close()
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "argus-fleet",
		Short: "Fleet control plane for Argus bots",
		Long: "Fleet control plane for Argus bots. Without a subcommand it runs. All settings are read from ARGUS_FLEET_* variables, secrets also from the files that " +
			"ARGUS_FLEET_..." + fleetapi.FileSuffix + " variables name, and what the environment lacks from " + defaultEnvFile + " (" + fleetapi.EnvFleetEnvFile + ").\n\n" +
			"Exit status: 0 when all went well, 75 when another process holds the state file, 1 for everything else, with the reason as the last line of stderr.",
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          runControlPlane,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return seeHelp(cmd, err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(), healthcheckCommand(), doctorCommand(),
		initCommand(), importCommand(), exportCommand(), verifyCommand(), versionCommand())
	return root
}

// noArguments refuses words behind a command, and says where help is.
func noArguments(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return seeHelp(cmd, err)
	}
	return nil
}

func seeHelp(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version)
			return err
		},
	}
}
