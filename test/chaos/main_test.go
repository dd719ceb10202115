package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/hack/local"
)

// programVariable hands the path of the built program from TestMain to the tests.
const programVariable = "ARGUS_TEST_PROGRAM"

var seedFlag = flag.Uint64("seed", 0, "seed of the random decisions; 0 draws one")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runWithProgram(m))
}

// runWithProgram builds argus-fleet once for all tests.
func runWithProgram(m *testing.M) int {
	directory, err := os.MkdirTemp("", "argus-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(directory) }()
	program := filepath.Join(directory, "argus-fleet")
	if err := buildProgram(program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv(programVariable, program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// buildProgram compiles the control plane, with the race detector if the test
// has it: then a race in the process fails the test that finds it in the log.
func buildProgram(program string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	root, err := local.Root(ctx)
	if err != nil {
		return err
	}
	arguments := []string{"build", "-o", program}
	if raceDetector {
		arguments = append(arguments, "-race")
	}
	build := exec.CommandContext(ctx, "go", append(arguments, "./cmd/argus-fleet")...)
	build.Dir = root
	if printed, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building argus-fleet: %w\n%s", err, printed)
	}
	return nil
}

// seed is the one of this run. It decides what is sent, from whom and when the
// process is killed; the order in which concurrent requests arrive is the
// machine's.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := *seedFlag
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d: again with go test ./test/chaos -run '^%s$' -seed %d", s, t.Name(), s)
	return s
}

// dice is a source of random decisions of its own for each part of a run.
func dice(seed uint64, part ...uint64) *rand.Rand {
	second := uint64(0x9e3779b97f4a7c15)
	for _, p := range part {
		second = (second ^ p) * 0x100000001b3
	}
	return rand.New(rand.NewPCG(seed, second))
}
