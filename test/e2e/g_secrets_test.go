//go:build e2e

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/internal/tokens"
)

// What a bot's process can get at, by file or by environment, as the node has it: its
// own two tokens, each in the way that the spec asks for, and nobody else's.
func TestABotIsGivenItsOwnTokensAndNoOther(t *testing.T) {
	t.Parallel()
	inBotsNamespace(t)
	const discord, fleet = "the Discord token", "the fleet's ingest token"
	for sentence, tc := range map[string]struct {
		wish
		files, variables []string
	}{
		"both as files":       {wish{name: "filer"}, []string{discord, fleet}, nil},
		"both as variables":   {wish{name: "enver", fleet: "delivery: Env", discord: "delivery: Env"}, nil, []string{discord, fleet}},
		"the library's alone": {wish{name: "mixed", fleet: "delivery: Env"}, []string{discord}, []string{fleet}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := tc.wish
			w.args, w.sharding = "--connect-delay=10ms", "{total: 1, clusters: 1}"
			mustApply(t, botsNamespace, w.manifest())
			complete(t, botsNamespace, w.name)
			pod := onlyPod(t, botsNamespace, "argus.dev/bot="+w.name)
			server := get(t, botsNamespace, "main-fleet-server", &corev1.Secret{}).Data
			secrets := map[string]string{
				discord: w.token(), fleet: string(server[tokens.KeyIngest]),
				"the viewer token": string(server[tokens.KeyViewer]), "the admin token": string(server[tokens.KeyAdmin]), "a ServiceAccount's token": "eyJ",
			}
			for _, process := range processesOf(t, pod) {
				if diff := cmp.Diff(tc.variables, secretsIn(secrets, process.environment)); diff != "" {
					t.Errorf("in the environment: -want +got\n%s", diff)
				}
				if diff := cmp.Diff(tc.files, secretsIn(secrets, mountedText(t, process))); diff != "" {
					t.Errorf("in files: -want +got\n%s", diff)
				}
			}
			spec := string(mustJSON(t, bot(t, botsNamespace, w.name).Spec)) + string(mustJSON(t, pod))
			if found := secretsIn(secrets, spec); len(found) > 0 {
				t.Errorf("the pod's own text holds %v", found)
			}
		})
	}
}

// secretsIn lists which secrets a text holds.
func secretsIn(secrets map[string]string, text string) []string {
	var found []string
	for what, secret := range secrets {
		if strings.Contains(text, secret) {
			found = append(found, what)
		}
	}
	slices.Sort(found)
	return found
}

// mountedText is all that a process can read below /var/run/secrets, and in every
// other volume.
func mountedText(t *testing.T, process process) string {
	t.Helper()
	pid, _, _ := strings.Cut(process.name, " ")
	root, err := os.OpenRoot(filepath.Join("/proc", pid, "root"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tree := root.FS()
	var text strings.Builder
	for _, volume := range []string{"var/run/secrets", "run/secrets", "tmp", "data", "state"} {
		err := fs.WalkDir(tree, volume, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if content, readErr := fs.ReadFile(tree, path); readErr == nil { // a link to a directory is none
				text.Write(content)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("walking %s: %v", volume, err)
		}
	}
	return text.String()
}
