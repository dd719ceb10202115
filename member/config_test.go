package member

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func lookupIn(env map[string]string) LookupFunc {
	return func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	}
}

func noFile(path string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func TestConfigFromEnv(t *testing.T) {
	base := Config{Group: "default", StateDir: ".", MetricPrefix: "discord"}
	with := func(change func(*Config)) Config {
		config := base
		change(&config)
		return config
	}
	for name, tc := range map[string]struct {
		env  map[string]string
		want Config
	}{
		"nothing set is no fleet": {nil, base},
		"everything set": {
			map[string]string{
				"ARGUS_FLEET_URL": "https://fleet.example:9190/argus/", "ARGUS_FLEET_GROUP": "asia", "ARGUS_FLEET_ID": "bot-0",
				"ARGUS_FLEET_STATE_DIR": "/state", "ARGUS_FLEET_SCRAPE_TARGET": "10.0.0.7:9191", "ARGUS_FLEET_CA_FILE": "/ca/ca.crt",
				"ARGUS_NAMESPACE": "mybot", "ARGUS_CLUSTER_ID": "not this one",
			},
			Config{
				URL: "https://fleet.example:9190/argus/", Group: "asia", Identity: "bot-0", StateDir: "/state",
				ScrapeTarget: "10.0.0.7:9191", CAFile: "/ca/ca.crt", MetricPrefix: "mybot",
			},
		},
		"the cluster's id is the identity of last resort": {
			map[string]string{"ARGUS_CLUSTER_ID": "bot-1"}, with(func(c *Config) { c.Identity = "bot-1" }),
		},
		"empty is unset": {
			map[string]string{"ARGUS_FLEET_URL": "", "ARGUS_FLEET_GROUP": "", "ARGUS_FLEET_ID": "", "ARGUS_NAMESPACE": "", "ARGUS_FLEET_STATE_DIR": ""},
			base,
		},
		"a name of 128 runes is no longer than allowed": {
			map[string]string{"ARGUS_FLEET_ID": strings.Repeat("ü", 128)}, with(func(c *Config) { c.Identity = strings.Repeat("ü", 128) }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ConfigFromEnv(lookupIn(tc.env), noFile)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(Config{}, "Token"), cmpopts.IgnoreUnexported(Config{})); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
			if got.Enabled() != (tc.env["ARGUS_FLEET_URL"] != "") {
				t.Errorf("Enabled() is %v", got.Enabled())
			}
		})
	}
}

func TestAWrongVariableIsNamedAndCostsTheFleetOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		env map[string]string
		err string
	}{
		"a URL of another scheme": {
			map[string]string{"ARGUS_FLEET_URL": "fleet:9190"},
			`ARGUS_FLEET_URL="fleet:9190": fleet URL must be http://host[:port] or https://host[:port], without user, query or fragment`,
		},
		"a URL with a password, which is not shown": {
			map[string]string{"ARGUS_FLEET_URL": "http://me:hunter2@fleet"},
			`ARGUS_FLEET_URL="http://me:xxxxx@fleet": fleet URL must be http://host[:port] or https://host[:port], without user, query or fragment`,
		},
		"a URL that cannot be parsed": {
			map[string]string{"ARGUS_FLEET_URL": "http://me:hunter2@fleet:port"}, `ARGUS_FLEET_URL=(not shown): fleet URL cannot be parsed`,
		},
		"an identity of 129 runes": {
			map[string]string{"ARGUS_FLEET_ID": strings.Repeat("x", 129)},
			`ARGUS_FLEET_ID="` + strings.Repeat("x", 40) + `"...: must have at most 128 characters`,
		},
		"the variable that is wrong is the one that is named": {
			map[string]string{"ARGUS_CLUSTER_ID": "a\nb"}, `ARGUS_CLUSTER_ID="a\nb": must be UTF-8 without control characters`,
		},
		"every wrong variable is named": {
			map[string]string{"ARGUS_FLEET_GROUP": strings.Repeat("g", 64), "ARGUS_NAMESPACE": "7up"},
			`ARGUS_FLEET_GROUP="` + strings.Repeat("g", 40) + `"...: must have at most 63 characters` + "\n" +
				`ARGUS_NAMESPACE="7up": must be a metric name (letters, digits, _ and :, no digit first)`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ConfigFromEnv(lookupIn(tc.env), noFile)
			if text := errorText(err); text != tc.err {
				t.Fatalf("error %q, want %q", text, tc.err)
			}
			if got.Enabled() || got.MetricPrefix != "discord" {
				t.Errorf("the config is %+v, which is not safe to use", got)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSecretFromEnv(t *testing.T) {
	files := func(path string) ([]byte, error) {
		content, ok := map[string]string{"/s/token": " from a file \n", "/s/blank": " \n"}[path]
		if !ok {
			return noFile(path)
		}
		return []byte(content), nil
	}
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
		err  string
	}{
		"neither":                            {nil, "", ""},
		"the value":                          {map[string]string{"TOKEN": "value"}, "value", ""},
		"the value beats the file":           {map[string]string{"TOKEN": "value", "TOKEN_FILE": "/s/token"}, "value", ""},
		"the file":                           {map[string]string{"TOKEN_FILE": "/s/token"}, "from a file", ""},
		"a blank value does not hide a file": {map[string]string{"TOKEN": " ", "TOKEN_FILE": "/s/token"}, "from a file", ""},
		"a file that is not there": {
			map[string]string{"TOKEN_FILE": "/s/none"}, "", "reading the file of TOKEN_FILE: open /s/none: file does not exist",
		},
		"a file with nothing in it": {map[string]string{"TOKEN_FILE": "/s/blank"}, "", "reading the file of TOKEN_FILE: /s/blank is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := SecretFromEnv(lookupIn(tc.env), files, "TOKEN")()
			if got != tc.want || errorText(err) != tc.err {
				t.Errorf("%q, %v; want %q, %q", got, err, tc.want, tc.err)
			}
		})
	}
}

// mountedSecret lays files out as the kubelet mounts a Secret: the name is a
// link through ..data, which is itself a link that is renamed over on a change.
type mountedSecret struct {
	t    *testing.T
	dir  string
	next int
}

func newMountedSecret(t *testing.T, key, value string) *mountedSecret {
	t.Helper()
	s := &mountedSecret{t: t, dir: t.TempDir()}
	s.set(key, value)
	if err := os.Symlink(filepath.Join("..data", key), filepath.Join(s.dir, key)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *mountedSecret) set(key, value string) {
	s.t.Helper()
	s.next++
	payload := "..payload-" + string(rune('a'+s.next))
	err := errors.Join(
		os.Mkdir(filepath.Join(s.dir, payload), 0o700),
		os.WriteFile(filepath.Join(s.dir, payload, key), []byte(value), 0o600),
		os.Symlink(payload, filepath.Join(s.dir, "..data_tmp")),
		os.Rename(filepath.Join(s.dir, "..data_tmp"), filepath.Join(s.dir, "..data")),
	)
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestARotatedTokenIsUsedFromTheNextCallOn(t *testing.T) {
	secret := newMountedSecret(t, "token", "old\n")
	path := filepath.Join(secret.dir, "token")
	j := &journal{}
	p := newPlane(t, j, registered(1), status(204), status(204), status(204), status(204))
	config, err := ConfigFromEnv(lookupIn(map[string]string{"ARGUS_FLEET_TOKEN_FILE": path, "ARGUS_FLEET_STATE_DIR": t.TempDir()}), os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	config.URL, config.Identity = p.server.URL, identityA0
	var classes []ErrorClass
	var m *Member
	options := Options{Random: middle, Clock: newScriptClock(j, func(waits int) {
		classes = append(classes, m.State().LastError)
		switch waits {
		case 1:
			secret.set("token", "new\n")
		case 2: // removed and put back: the token is missed, not invented
			if err := os.Rename(path, path+".away"); err != nil {
				t.Error(err)
			}
		case 3:
			if err := os.Rename(path+".away", path); err != nil {
				t.Error(err)
			}
		}
	})}
	m = New(config, options)
	for range 5 {
		_ = m.clock.Sleep(t.Context(), m.step(t.Context()))
	}
	m.link.close()
	var tokens []string
	for _, call := range p.recorded() {
		tokens = append(tokens, call.Token)
	}
	if diff := cmp.Diff([]string{"Bearer old", "Bearer old", "Bearer new", "Bearer new", "Bearer new"}, tokens); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ErrorClass{"", "", ErrorCredential, "", ""}, classes); diff != "" {
		t.Errorf("error classes (-want +got):\n%s", diff)
	}
}
