package member

import (
	"fmt"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// SecretFromEnv returns a function that reads the secret of the environment
// variable name, or else of the file that name + "_FILE" names, with
// surrounding white space removed, or "" if neither is set. The file is read
// on every call, so that a Secret which Kubernetes swaps is followed; what it
// returns is never cached, so a revoked secret is not used for longer than the
// file holds it. Errors name the variable and the file, never the content.
func SecretFromEnv(lookup LookupFunc, readFile ReadFileFunc, name string) func() (string, error) {
	value, _ := lookup(name)
	if value = strings.TrimSpace(value); value != "" {
		return func() (string, error) { return value, nil }
	}
	path, _ := lookup(name + fleetapi.FileSuffix)
	if path == "" {
		return func() (string, error) { return "", nil }
	}
	return func() (string, error) {
		content, err := readFile(path)
		if err != nil {
			return "", fmt.Errorf("reading the file of %s%s: %w", name, fleetapi.FileSuffix, err)
		}
		secret := strings.TrimSpace(string(content))
		if secret == "" {
			return "", fmt.Errorf("reading the file of %s%s: %s is empty", name, fleetapi.FileSuffix, path)
		}
		return secret, nil
	}
}
