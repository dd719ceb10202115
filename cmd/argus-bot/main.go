// Argus-bot is a small reference bot: it behaves as a containerised Discord bot
// does towards its orchestrator, its Prometheus and its fleet control plane, but
// its gateway shards and guilds are simulated and it connects nowhere else. It
// serves demonstrations, and tests that need a bot without a Discord account.
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

	"github.com/argus-dev/argus-operator/member"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version = "dev"

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // it ran, and failed
	exitUsage  = 2 // it was told something wrong, and did not start
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program: it returns when the context ends or the bot fails,
// with the status to exit with. Whatever goes wrong is the last line of stderr,
// which is what Kubernetes shows of a failed container.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return execute(ctx, host{
		lookup: os.LookupEnv, readFile: os.ReadFile, clock: member.SystemClock(), stdout: stdout, stderr: stderr,
	}, args)
}

// host is what the program needs of the machine.
type host struct {
	lookup   member.LookupFunc
	readFile member.ReadFileFunc
	clock    member.Clock
	stdout   io.Writer
	stderr   io.Writer
}

func execute(ctx context.Context, h host, args []string) int {
	command := newCommand(h)
	command.SetArgs(args)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintf(h.stderr, "argus-bot: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	if _, ok := errors.AsType[*runError](err); ok {
		return exitFailed
	}
	return exitUsage
}

// runError is a failure of a bot that had started.
type runError struct{ error }

func (e *runError) Unwrap() error { return e.error }
