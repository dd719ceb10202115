package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetserver"
)

// command runs argus-fleet in this process, in an empty directory and with
// nothing but these variables.
func command(t *testing.T, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	p := &process{t: t, env: env}
	return p.execute(args...)
}

const testImage = "--image=ghcr.io/argus-dev/argus-fleet:v1.2.3"

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestInitWritesWhatAControlPlaneStartsWith(t *testing.T) {
	directory := t.TempDir()
	status, stdout, stderr := command(t, nil, "init", "--out-dir", directory, testImage, "--port=9000", "--namespace=bots", "--group=asia",
		"--public-url=https://fleet.example/argus/", "--prometheus-url=http://prom:9090", "--cors-origins=https://status.example")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	values := parseEnvFile(read(t, filepath.Join(directory, envFileName)))
	config, err := fleetserver.ConfigFromEnv(func(name string) (string, bool) { value, ok := values[name]; return value, ok }, nil)
	if err != nil || config.CheckBind() != nil {
		t.Fatalf("the control plane would not start: %v %v", err, config.CheckBind())
	}
	got := []any{config.Port, config.Namespace, config.PrometheusURL, config.CORSOrigins, len(values)}
	if diff := cmp.Diff([]any{9000, "bots", "http://prom:9090", []string{"https://status.example"}, 9}, got); diff != "" {
		t.Errorf("settings (-want +got)\n%s", diff)
	}
	checkSecrets(t, config, stdout)
	checkLines(t, "the compose file", read(t, filepath.Join(directory, composeFileName)),
		"image: ghcr.io/argus-dev/argus-fleet:v1.2.3\n", `- "9000:9000"`+"\n", "env_file: .env\n", "- argus-fleet-state:/data\n", "restart: unless-stopped\n")
	checkLines(t, "the instructions", stdout,
		"ARGUS_FLEET_URL=https://fleet.example/argus\n", "ARGUS_FLEET_GROUP=asia\n", "ARGUS_CLUSTER_ID=mybot-0\n", "job_name: argus\n", "honor_labels: true\n",
		"url: https://fleet.example/argus/api/fleet/targets\n", "EnvironmentFile="+directory+"/.env\n")
	for _, name := range []string{envFileName, composeFileName} {
		if info, err := os.Stat(filepath.Join(directory, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", name, info.Mode(), err)
		}
	}
}

// checkSecrets wants four of them, long, each for itself, and none printed.
func checkSecrets(t *testing.T, config fleetserver.Config, stdout string) {
	t.Helper()
	seen := map[string]bool{}
	for _, secret := range []string{config.IngestToken.Value, config.ViewerToken.Value, config.AdminToken.Value, config.SecretPepper.Value} {
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(secret) || seen[secret] || strings.Contains(stdout, secret) {
			t.Errorf("a secret is short, used twice or printed: %q", secret)
		}
		seen[secret] = true
	}
}

func checkLines(t *testing.T, what, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line) {
			t.Errorf("%s lacks %q:\n%s", what, line, text)
		}
	}
}

func TestInitLeavesOutWhatIsNotSet(t *testing.T) {
	directory := t.TempDir()
	if status, _, stderr := command(t, nil, "init", "--out-dir", directory, testImage); status != 0 {
		t.Fatal(stderr)
	}
	if env := read(t, filepath.Join(directory, envFileName)); strings.Contains(env, "PROMETHEUS") || strings.Contains(env, "CORS") {
		t.Errorf("settings without a value:\n%s", env)
	}
}

func TestInitPrintsTokensWhenAskedTo(t *testing.T) {
	directory := t.TempDir()
	_, stdout, _ := command(t, nil, "init", "--out-dir", directory, testImage, "--show-tokens")
	values := parseEnvFile(read(t, filepath.Join(directory, envFileName)))
	for _, line := range []string{"ARGUS_FLEET_TOKEN=" + values["ARGUS_FLEET_INGEST_TOKEN"] + "\n", "credentials: " + values["ARGUS_FLEET_VIEWER_TOKEN"] + "\n"} {
		if !strings.Contains(stdout, line) {
			t.Errorf("the instructions lack %q:\n%s", line, stdout)
		}
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	for _, name := range []string{envFileName, composeFileName} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			path := filepath.Join(directory, name)
			if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := command(t, nil, "init", "--out-dir", directory, testImage)
			want := "argus-fleet: " + path + " exists and is left as it is: move it away, or write elsewhere with --out-dir\n"
			if status != 1 || stdout != "" || stderr != want {
				t.Errorf("status %d, %q and %q, want %q", status, stdout, stderr, want)
			}
			entries, err := os.ReadDir(directory)
			if err != nil || len(entries) != 1 || read(t, path) != "mine" {
				t.Errorf("the directory holds %v, %s %q: want only what was there (%v)", entries, name, read(t, path), err)
			}
		})
	}
}

func TestInitReusesTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "viewer")
	if err := os.WriteFile(file, []byte("eye of the $beholder, old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	env := []string{"ARGUS_FLEET_TOKEN=shared", "ARGUS_FLEET_VIEWER_TOKEN_FILE=" + file, "ARGUS_FLEET_SECRET_PEPPER=pepper"}
	if status, _, stderr := command(t, env, "init", "--reuse-tokens", "--out-dir", directory, testImage); status != 0 {
		t.Fatal(stderr)
	}
	values := parseEnvFile(read(t, filepath.Join(directory, envFileName)))
	got := []string{values["ARGUS_FLEET_INGEST_TOKEN"], values["ARGUS_FLEET_VIEWER_TOKEN"], values["ARGUS_FLEET_SECRET_PEPPER"]}
	if diff := cmp.Diff([]string{"shared", "eye of the $beholder, old", "pepper"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(values["ARGUS_FLEET_ADMIN_TOKEN"]) != 43 {
		t.Error("no admin token was made")
	}
	status, stdout, _ := command(t, env, "init", "--kubernetes", "--reuse-tokens")
	if status != 0 || !strings.Contains(stdout, "ingest-token: "+base64.StdEncoding.EncodeToString([]byte("shared"))+"\n") {
		t.Errorf("status %d:\n%s", status, stdout)
	}
	if status, _, stderr := command(t, []string{"ARGUS_FLEET_TOKEN=it's"}, "init", "--reuse-tokens", testImage); status != 1 || strings.Contains(stderr, "it's") {
		t.Errorf("a token that cannot be written: %d %q", status, stderr)
	}
}

// TestInitForKubernetes compares the text; test/docs holds it against the kinds.
func TestInitForKubernetes(t *testing.T) {
	for args, want := range map[string]string{
		"":                                     "metadata:\n  name: main\nspec:\n  {}\n",
		"--name=eu --port=80 --namespace=bots": "metadata:\n  name: eu\nspec:\n  metricPrefix: bots\n  service:\n    port: 80\n",
	} {
		status, stdout, stderr := command(t, nil, append([]string{"init", "--kubernetes"}, strings.Fields(args)...)...)
		if status != 0 || stderr != "" || !strings.HasSuffix(stdout, "\n---\napiVersion: argus.dev/v1alpha1\nkind: ArgusFleet\n"+want) {
			t.Errorf("%q: status %d %s\n%s", args, status, stderr, stdout)
		}
		if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
			t.Errorf("%q wrote %v", args, left)
		}
	}
}

func TestInitRefusesWhatWouldNotWork(t *testing.T) {
	for args, want := range map[string]string{
		"":                                    "this is a development build, of which no image is published: name one with --image",
		"--image=fleet":                       `--image="fleet": must have a tag other than latest, or a digest`,
		"--image=fleet:latest":                `--image="fleet:latest": must have a tag other than latest, or a digest`,
		testImage + " --port=x":               `the control plane would not start: ARGUS_FLEET_PORT="x": must be a whole number from 0 to 65535`,
		testImage + " --host=a/b":             `--host="a/b": must be an address or a name`,
		testImage + " --namespace=9x":         `the control plane would not start: ARGUS_NAMESPACE="9x": must be a metric prefix: letters, digits and _`,
		testImage + " --public-url=ftp://x":   `--public-url="ftp://x": fleet URL must be http://host[:port] or https://host[:port], without user, query or fragment`,
		testImage + " --group=":               `--group="": must be a name without control characters`,
		testImage + " --prometheus-url=x":     `the control plane would not start: ARGUS_FLEET_PROMETHEUS_URL="x": must be http://host or https://host, without credentials`,
		testImage + " --cors-origins=*":       `the control plane would not start: ARGUS_FLEET_CORS_ORIGINS="*": must be a list of origins such as https://status.example, never *`,
		testImage + " --out-dir=/no/such":     "writing /no/such/.env: open /no/such/.env: no such file or directory",
		"--kubernetes --name=Main":            `--name="Main": must be at most 40 lower-case letters, digits and '-', a letter first`,
		"--kubernetes --out-dir=x":            "if any flags in the group [kubernetes out-dir] are set none of the others can be; [kubernetes out-dir] were all set",
		"--kubernetes --namespace=a-b":        `the control plane would not start: ARGUS_NAMESPACE="a-b": must be a metric prefix: letters, digits and _`,
		testImage + " --token=x":              "unknown flag: --token: see argus-fleet init --help",
		testImage + " --port=8080 everything": `unknown command "everything" for "argus-fleet init": see argus-fleet init --help`,
	} {
		t.Run(fmt.Sprintf("%.40s", args), func(t *testing.T) {
			status, stdout, stderr := command(t, nil, append([]string{"init"}, strings.Fields(args)...)...)
			if status != 1 || stdout != "" || stderr != "argus-fleet: "+want+"\n" {
				t.Errorf("status %d, %q and %q, want %q", status, stdout, stderr, want)
			}
			if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
				t.Errorf("it wrote %v", left)
			}
		})
	}
}
