//go:build e2e

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The program as `make demo` runs it, on this machine, and what it leaves behind.

func TestTheDemoShowsBothKindsReadyAndLeavesNothing(t *testing.T) {
	before := footprint(t)
	running := startDemo(t)
	output := running.until("Ctrl-C ends the demo")
	for _, line := range []string{
		`(?m)^argusfleet\.argus\.dev/main\s+True\s+2/2\s`,
		`(?m)^argusbot\.argus\.dev/mybot\s+True\s+2/2\s+4/4\s+[1-9]`,
	} {
		if !regexp.MustCompile(line).MatchString(output) {
			t.Errorf("the tables have no line like %s:\n%s", line, output)
		}
	}
	if len(demoProcesses(t)) < 15 {
		t.Errorf("only %d processes of the demo are seen, so their end would not be", len(demoProcesses(t)))
	}
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(output)
	if status := ask(t, address+"/healthz"); status != http.StatusOK {
		t.Errorf("%s answers %d", address, status)
	}
	running.interrupt()
	if diff := cmp.Diff(before, footprint(t)); diff != "" {
		t.Errorf("left behind, -before +after\n%s", diff)
	}
}

func TestAnInterruptedDemoLeavesNothing(t *testing.T) {
	before := footprint(t)
	running := startDemo(t)
	running.until("waiting until the control plane and the bot are ready")
	running.interrupt()
	if diff := cmp.Diff(before, footprint(t)); diff != "" {
		t.Errorf("left behind, -before +after\n%s", diff)
	}
}

// TestWithoutANodeProcessesShowTheSame: what a user without root gets.
func TestWithoutANodeProcessesShowTheSame(t *testing.T) {
	before := footprint(t)
	running := startDemo(t, "--processes")
	output := running.until("Ctrl-C ends the demo")
	link := regexp.MustCompile(`http://127\.0\.0\.1:\d+/\?token=\S+`).FindString(output)
	if link == "" || !strings.Contains(output, "sudo make demo") {
		t.Errorf("no link to sign in with, or no word of what is missing:\n%s", output)
	}
	// The link signs in and leads to the page; with its token the view counts both members.
	if status := ask(t, link); status != http.StatusOK {
		t.Errorf("%s answers %d", link, status)
	}
	if status := ask(t, strings.Replace(link, "/?", "/api/fleet/view?", 1)); status != http.StatusOK {
		t.Errorf("the view answers %d", status)
	}
	running.interrupt()
	if diff := cmp.Diff(before, footprint(t)); diff != "" {
		t.Errorf("left behind, -before +after\n%s", diff)
	}
}

// demoProcess is a running demo and what it prints.
type demoProcess struct {
	*testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startDemo(t *testing.T, args ...string) *demoProcess {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	if printed, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	// Not the test's context: it would kill the demo, which then could not clean up.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(os.Interrupt)
			_, _ = io.Copy(io.Discard, stdout)
			_ = cmd.Wait()
		}
	})
	return &demoProcess{T: t, cmd: cmd, lines: bufio.NewScanner(stdout)}
}

// until reads the output up to a line that holds text, and returns it all.
func (d *demoProcess) until(text string) string {
	d.Helper()
	var output strings.Builder
	for d.lines.Scan() {
		output.WriteString(d.lines.Text() + "\n")
		if strings.Contains(d.lines.Text(), text) {
			return output.String()
		}
	}
	d.Fatalf("the demo ended without saying %q:\n%s", text, output.String())
	return ""
}

// interrupt does what Ctrl-C does, and waits for the end.
func (d *demoProcess) interrupt() {
	d.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		d.Fatal(err)
	}
	var output strings.Builder
	for d.lines.Scan() {
		output.WriteString(d.lines.Text() + "\n")
	}
	if err := d.cmd.Wait(); err != nil && d.cmd.ProcessState.ExitCode() > 1 {
		d.Errorf("the demo ended with %v:\n%s", err, output.String())
	}
}

// footprint is what a cluster can leave on a machine.
func footprint(t *testing.T) map[string][]string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	// What tests beside this one mount in directories of their own is theirs.
	others := filepath.Join(os.TempDir(), "Test")
	for line := range strings.Lines(string(mounts)) {
		if point := strings.Fields(line)[4]; !strings.HasPrefix(point, others) {
			points = append(points, point)
		}
	}
	slices.Sort(points)
	forwarding, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]string{
		"mounts": points, "links": tool(t, "ip", "-o", "-brief", "link"), "tables": tool(t, "nft", "list", "tables"),
		"forwarding": {string(forwarding)}, "processes": demoProcesses(t),
	}
}

// tool is what a program prints, by line and in order; a program that is not
// installed yet prints nothing.
func tool(t *testing.T, name string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		return nil
	}
	printed, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var lines []string
	for line := range strings.Lines(string(printed)) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(lines)
	return lines
}

// demoProcesses are those that the demo started: the parts of its cluster name the
// instance's directory on their command line, and pods run our programs. One that
// has ended and that its new parent has not noticed yet has no command line.
func demoProcesses(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	ours := regexp.MustCompile(`argus-operator/kubernetes/demo[/\x00]|(^|argus-demo-[0-9]+)/(manager|argus-fleet|argus-bot|pause)\x00`)
	var found []string
	for _, file := range files {
		commandLine, _ := os.ReadFile(file) // a process may end while it is read
		if ours.Match(commandLine) {
			found = append(found, strings.ReplaceAll(string(commandLine), "\x00", " "))
		}
	}
	slices.Sort(found)
	return found
}

func ask(t *testing.T, url string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
