package fleetserver

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/access"
)

// environment reads variables and keeps the first error, so that a Config is
// filled in one expression.
type environment struct {
	lookup   func(string) (string, bool)
	readFile func(string) ([]byte, error)
	err      error
}

func (e *environment) fail(name, value, want string) {
	e.refuse(fmt.Errorf("%s=%s: must be %s", name, quote(value), want))
}

// quote quotes a value for a message. Whatever the variable, somebody may have
// put a URL with credentials into it.
func quote(value string) string {
	if strings.Contains(value, "@") || strings.Contains(value, "://") {
		return fleetapi.QuoteURL(value)
	}
	return strconv.Quote(value)
}

func (e *environment) refuse(err error) {
	if e.err == nil {
		e.err = err
	}
}

// text treats an empty variable as one that is not set.
func (e *environment) text(name, fallback string) string {
	if value, ok := e.lookup(name); ok && value != "" {
		return value
	}
	return fallback
}

func (e *environment) integer(name string, fallback, lowest, highest int) int {
	raw, ok := e.lookup(name)
	if !ok {
		return fallback
	}
	value, err := strconv.Atoi(strings.TrimSpace(raw))
	if err != nil || value < lowest || value > highest {
		e.fail(name, raw, fmt.Sprintf("a whole number from %d to %d", lowest, highest))
		return fallback
	}
	return value
}

func (e *environment) seconds(name string, fallback, highest int) time.Duration {
	return time.Duration(e.integer(name, fallback, 1, highest)) * time.Second
}

func (e *environment) boolean(name string) bool {
	raw, _ := e.lookup(name)
	switch strings.ToLower(strings.TrimSpace(raw)) {
	case "1", "true", "yes", "on":
		return true
	case "", "0", "false", "no", "off":
		return false
	}
	e.fail(name, raw, "1, true, yes, on, 0, false, no or off")
	return false
}

func (e *environment) matching(name, fallback, pattern, want string) string {
	value := e.text(name, fallback)
	if !regexp.MustCompile(pattern).MatchString(value) {
		e.fail(name, value, want)
	}
	return value
}

func (e *environment) list(name string) []string {
	raw, _ := e.lookup(name)
	return access.Split(raw)
}

// secret prefers the variable itself, even an empty one, over its file.
func (e *environment) secret(name string) access.Secret {
	if value, ok := e.lookup(name); ok {
		return access.Secret{Value: value}
	}
	path := e.text(name+fleetapi.FileSuffix, "")
	if path == "" {
		return access.Secret{}
	}
	content, err := e.readFile(path)
	if err != nil {
		e.fail(name+fleetapi.FileSuffix, path, "a file that can be read")
		return access.Secret{}
	}
	return access.Secret{Value: strings.TrimSpace(string(content)), File: path}
}

// tokens is a secret that must hold a token if it comes from a file: an empty
// file is a mistake, and must not open a surface.
func (e *environment) tokens(name string) access.Secret {
	secret := e.secret(name)
	if secret.File != "" && len(access.Split(secret.Value)) == 0 {
		e.fail(name+fleetapi.FileSuffix, secret.File, "a file that holds a token")
	}
	return secret
}
