// Package shard lets processes share the tests of a package between them. Tests that
// have to run one after the other wait more than they compute, and leave processors idle.
package shard

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var which = flag.String("shard", "1/1", "`i/n`: run the i-th of n parts of the tests")

// narrowed: a pattern on the command line leaves out tests.
var narrowed bool

// Narrowed tells whether somebody has asked for some tests by name, so that this run and
// those of the other parts are not all tests together.
func Narrowed() bool { return narrowed }

// Part is which part of how many this process runs.
func Part() (part, parts int) {
	part, parts, err := parse(*which)
	if err != nil {
		panic(err) // Main has refused it
	}
	return part, parts
}

// Main runs the tests that fall to this process, between what has to be before and
// after, and returns its exit code. All that -run names falls to the first. What cannot
// be done is said in the log.
func Main(m *testing.M, log io.Writer, run func(*testing.M) int) int {
	flag.Parse()
	if given("test.list") != "" {
		return m.Run()
	}
	narrowed = given("test.run") != "" || given("test.skip") != ""
	part, parts, err := parse(*which)
	if err == nil && narrowed && part > 1 {
		return 0
	}
	if err == nil && !narrowed && parts > 1 {
		err = choose(part, parts)
	}
	if err != nil {
		_, _ = fmt.Fprintln(log, "choosing the tests to run:", err)
		return 1
	}
	return run(m)
}

func given(name string) string { return flag.Lookup(name).Value.String() }

// choose has the tests run that fall to a part.
func choose(part, parts int) error {
	printed, err := exec.CommandContext(context.Background(), os.Args[0], "-test.list=.").Output()
	if err != nil {
		return fmt.Errorf("listing them: %w", err)
	}
	mine := every(strings.Fields(string(printed)), part, parts)
	if len(mine) == 0 {
		return fmt.Errorf("part %d of %d is empty", part, parts)
	}
	return flag.Set("test.run", "^("+strings.Join(mine, "|")+")$")
}

func parse(text string) (part, parts int, err error) {
	if n, err := fmt.Sscanf(text, "%d/%d", &part, &parts); n != 2 || err != nil || part < 1 || part > parts {
		return 0, 0, fmt.Errorf("-shard %q: want i/n with 1 <= i <= n, such as 1/2", text)
	}
	return part, parts, nil
}

// every returns the part-th of every so many names.
func every(names []string, part, parts int) []string {
	var mine []string
	for i, name := range names {
		if i%parts == part-1 {
			mine = append(mine, name)
		}
	}
	return mine
}
