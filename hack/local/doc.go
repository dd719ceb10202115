// Package local builds the project's images and installs the operator into a
// local cluster with its own Helm chart: what the demo and the whole-system tests
// share.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root returns the checkout's directory: that of the module which the working
// directory is in.
func Root(ctx context.Context) (string, error) {
	printed, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for the module: %w", err)
	}
	module := strings.TrimSpace(string(printed))
	if module == "" || module == os.DevNull {
		return "", errors.New("the working directory is not inside a checkout of argus-operator")
	}
	return filepath.Dir(module), nil
}

// Version returns the version that the checkout builds: the tag of its images and
// what its binaries report.
func Version(root string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return "", fmt.Errorf("reading the version: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// tail bounds what an error quotes of a program's output.
const tail = 4096

// run runs a program to its end and returns an error that quotes the end of what
// it printed. Environment entries are added to ours.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	printed, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if len(printed) > tail {
		printed = printed[len(printed)-tail:]
	}
	return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), args[0], err, strings.TrimSpace(string(printed)))
}

// logf writes one line of progress. Nil discards it.
func logf(w io.Writer, format string, args ...any) {
	if w != nil {
		fmt.Fprintf(w, format+"\n", args...)
	}
}
