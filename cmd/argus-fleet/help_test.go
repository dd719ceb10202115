package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands are argus-fleet and its subcommands, as they are called.
func commands() map[string]*cobra.Command {
	root := rootCommand()
	all := map[string]*cobra.Command{"argus-fleet": root}
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			all[c.CommandPath()] = c
		}
	}
	return all
}

func TestEveryCommandHasHelp(t *testing.T) {
	for path, c := range commands() {
		t.Run(path, func(t *testing.T) {
			status, stdout, stderr := command(t, nil, append(strings.Fields(path)[1:], "--help")...)
			about, _, _ := strings.Cut(stdout, "\n")
			if status != 0 || stderr != "" || !strings.Contains(stdout, "Usage:\n  "+path) {
				t.Errorf("status %d, %q:\n%s", status, stderr, stdout)
			}
			if len(about) < 15 || c.Short == "" || strings.HasSuffix(c.Short, ".") {
				t.Errorf("it is called %q, and its help begins with %q", c.Short, about)
			}
			checkFlags(t, stdout)
			if strings.Contains(stdout, "\t") || strings.Contains(stdout, " \n") {
				t.Error("the help holds tabs or blanks at a line's end")
			}
		})
	}
}

// checkFlags looks at the lines about flags.
func checkFlags(t *testing.T, help string) {
	t.Helper()
	flag := regexp.MustCompile(`--([a-z-]+)(?: (string|int|duration))? {2,}(\S.*)`)
	for _, f := range flag.FindAllStringSubmatch(help, -1) {
		name, kind, about := f[1], f[2], f[3]
		if strings.HasSuffix(about, ".") || strings.ToLower(about[:1]) != about[:1] && !strings.HasPrefix(about, "Prometheus") {
			t.Errorf("--%s is explained by %q", name, about)
		}
		if strings.Contains(name, "token") && kind != "" && !strings.HasSuffix(name, "-file") {
			t.Errorf("--%s takes a secret on the command line", name)
		}
	}
}

func TestWrongUseSaysWhatWouldBeRight(t *testing.T) {
	for path := range commands() {
		t.Run(path, func(t *testing.T) {
			for _, wrong := range []string{"--no-such-flag", "stray-word"} {
				status, stdout, stderr := command(t, nil, append(strings.Fields(path)[1:], wrong)...)
				if status != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 ||
					!strings.Contains(stderr, wrong) || !strings.HasSuffix(stderr, ": see "+path+" --help\n") {
					t.Errorf("%s: status %d, %q and %q", wrong, status, stdout, stderr)
				}
			}
		})
	}
	for args, want := range map[string]string{
		"doctor":                               "say which control plane with --url, such as --url http://fleet:9190",
		"doctor --url fleet:9190":              "fleet URL must be http://host[:port] or https://host[:port], without user, query or fragment",
		"doctor --url http://x --timeout soon": `invalid argument "soon" for "--timeout" flag: time: invalid duration "soon": see argus-fleet doctor --help`,
		"import":                               "say what to import with --from, or a positive --skip-numbers",
		"import --skip-numbers -1":             "say what to import with --from, or a positive --skip-numbers",
		"export --url http://x":                "if any flags in the group [url admin-token-file] are set they must all be set; missing [admin-token-file]",
		"verify":                               "opening the state file: open argus-fleet-state.db: no such file or directory: ARGUS_FLEET_STATE names the state file",
		"import --from nothing":                "opening the state file: open nothing: no such file or directory: ARGUS_FLEET_STATE names the state file",
	} {
		status, stdout, stderr := command(t, nil, strings.Fields(args)...)
		if status != 1 || stdout != "" || stderr != "argus-fleet: "+want+"\n" {
			t.Errorf("%s: status %d, %q and %q, want %q", args, status, stdout, stderr, want)
		}
	}
}
