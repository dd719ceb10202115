package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const defaultEnvFile = ".env"

// environment looks names up in the process's environment, and then in the file
// that ARGUS_FLEET_ENV_FILE names (".env"), if there is one.
func environment() (func(string) (string, bool), error) {
	path, named := os.LookupEnv(fleetapi.EnvFleetEnvFile)
	if !named || path == "" {
		path = defaultEnvFile
	}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if named {
			return nil, fmt.Errorf("%s=%q: must be a file that can be read", fleetapi.EnvFleetEnvFile, path)
		}
		content = nil
	}
	values := parseEnvFile(string(content))
	return func(name string) (string, bool) {
		if value, ok := os.LookupEnv(name); ok {
			return value, true
		}
		value, ok := values[name]
		return value, ok
	}, nil
}

// parseEnvFile reads NAME=value lines: "export" in front, quotes around the
// value and comments are understood, everything else is left as it is.
func parseEnvFile(content string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(content) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		values[name] = unquote(value)
	}
	return values
}

func unquote(value string) string {
	if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		return value[1 : len(value)-1]
	}
	if before, _, ok := strings.Cut(value, " #"); ok {
		return strings.TrimSpace(before)
	}
	return value
}
