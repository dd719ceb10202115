// Package wizard runs the setup wizard of the web page without a browser: the part
// of the built page that writes manifests, so that what is tested is what is served.
package wizard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/argus-dev/argus-operator/hack/local"
)

// Combination is one set of answers and what the wizard makes of it.
type Combination struct {
	Answers   json.RawMessage `json:"answers"`
	Manifests string          `json:"manifests"`
}

// Written is what the wizard shows for one set of answers.
type Written struct {
	// FileName under which the manifests are to be saved.
	FileName  string `json:"fileName"`
	Manifests string `json:"manifests"`
	Steps     []Step `json:"steps"`
}

// Step is a command to type into a shell, and why.
type Step struct {
	Why     string `json:"why"`
	Command string `json:"command"`
}

// Combinations returns one set of answers for each choice that makes other manifests.
func Combinations(ctx context.Context) ([]Combination, error) {
	var all []Combination
	err := evaluate(ctx, "m.generator.combinations()", nil, &all)
	return all, err
}

// Write has the wizard write for its own proposals but for some other answers, by
// their names in web/src/setup/answers.ts. Answers that the page would mark are an error.
func Write(ctx context.Context, answers map[string]any) (Written, error) {
	var reply struct {
		Written

		Faults map[string]string `json:"faults"`
	}
	const expression = `(({ manifests, steps, fileName }, answers) => ({
		fileName, manifests: manifests(answers), steps: steps(answers), faults: m.check(answers),
	}))(m.generator, { ...m.defaults, ...changes })`
	if err := evaluate(ctx, expression, answers, &reply); err != nil {
		return Written{}, err
	}
	if len(reply.Faults) > 0 {
		return Written{}, fmt.Errorf("the wizard does not take the answers: %v", reply.Faults)
	}
	return reply.Written, nil
}

// evaluate runs JavaScript in which `m` is the built generator and `changes` is an object.
func evaluate(ctx context.Context, expression string, changes map[string]any, result any) error {
	module, err := generator(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(module)) //nolint:errcheck // a copy in the temporary directory
	given, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("writing the answers: %w", err)
	}
	script := "const changes = JSON.parse(process.argv[2]); import(process.argv[1]).then((m) => process.stdout.write(JSON.stringify(" + expression + ")))"
	command := exec.CommandContext(ctx, "node", "--input-type=module", "--eval", script, "file://"+module, string(given))
	var output, complaints bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaints
	if err := command.Run(); err != nil {
		return fmt.Errorf("running the generator: %w: %s", err, complaints.String())
	}
	if err := json.Unmarshal(output.Bytes(), result); err != nil {
		return fmt.Errorf("reading what the generator wrote: %w", err)
	}
	return nil
}

// generator copies the built generator to a name by which node takes it for a module.
func generator(ctx context.Context) (string, error) {
	root, err := local.Root(ctx)
	if err != nil {
		return "", err
	}
	built, err := filepath.Glob(filepath.Join(root, "fleetserver/ui/dist/assets/generate-*.js"))
	if err != nil {
		return "", fmt.Errorf("looking for the generator: %w", err)
	}
	if len(built) != 1 {
		return "", fmt.Errorf("want one generator in the built page, there are %v", built)
	}
	source, err := os.ReadFile(built[0])
	if err != nil {
		return "", fmt.Errorf("reading the generator: %w", err)
	}
	dir, err := os.MkdirTemp("", "argus-wizard-")
	if err != nil {
		return "", fmt.Errorf("making a place for the generator: %w", err)
	}
	module := filepath.Join(dir, "generate.mjs")
	if err := os.WriteFile(module, source, 0o600); err != nil {
		return "", fmt.Errorf("copying the generator: %w", err)
	}
	return module, nil
}
