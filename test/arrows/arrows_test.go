// Package arrows proves that the linter's rules about imports bite, and that the
// images which must not hold a Kubernetes client do not.
package arrows

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/hack/local"
)

const module = "github.com/argus-dev/argus-operator"

// TestImagesWithoutKubernetes looks at everything that is linked, however deep.
func TestImagesWithoutKubernetes(t *testing.T) {
	for _, main := range []string{"./cmd/argus-fleet", "./cmd/argus-bot"} {
		t.Run(main, func(t *testing.T) {
			linked := list(t, "-deps", "-f", "{{.ImportPath}}", main)
			if len(linked) < 50 {
				t.Fatalf("go list names %d packages only: %q", len(linked), linked)
			}
			for _, path := range linked {
				for _, forbidden := range []string{"k8s.io/", "sigs.k8s.io/", module + "/api", module + "/controllers", module + "/internal"} {
					if strings.HasPrefix(path, forbidden) {
						t.Errorf("%s links %s", main, path)
					}
				}
			}
		})
	}
}

// TestEveryFolderHasItsArrows fails when a folder of Go code appears that no rule
// of the linter has been thought about.
func TestEveryFolderHasItsArrows(t *testing.T) {
	known := []string{"api", "cmd", "controllers", "fleetapi", "fleetserver", "hack", "internal", "member", "test"}
	var found []string
	for _, path := range list(t, "-f", "{{.ImportPath}}", "./...") {
		folder, _, _ := strings.Cut(strings.TrimPrefix(path, module+"/"), "/")
		if !slices.Contains(found, folder) {
			found = append(found, folder)
		}
	}
	for _, folder := range found {
		if !slices.Contains(known, folder) {
			t.Errorf("the folder %s has no arrows: add a depguard rule to .golangci.yml and a case here", folder)
		}
	}
}

// list runs go list in the checkout and returns its lines.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = root(t)
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Fields(string(printed))
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := local.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestWrongImportsFail lints a made-up module with this checkout's rules. It has
// one file for each import below, and the linter must name exactly the wrong ones.
func TestWrongImportsFail(t *testing.T) {
	wrong := map[string][]string{
		"api/v1alpha1":         {module + "/fleetapi", module + "/internal/manifests", module + "/controllers"},
		"fleetapi":             {module + "/api/v1alpha1", module + "/fleetserver", "k8s.io/client-go"},
		"fleetserver":          {module + "/api/v1alpha1", module + "/controllers", module + "/internal/manifests", module + "/member", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"},
		"fleetserver/registry": {module + "/internal/rollout", "k8s.io/client-go"},
		"member":               {module + "/api/v1alpha1", module + "/controllers", module + "/internal/manifests", module + "/fleetserver", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"},
		"internal/manifests":   {module + "/controllers", module + "/fleetserver", "k8s.io/client-go", "sigs.k8s.io/controller-runtime", "net/http", "log/slog", "log"},
		"internal/rollout":     {module + "/controllers", "k8s.io/client-go", "log/slog"},
		"internal/tokens":      {module + "/controllers", "k8s.io/client-go", "log/slog"},
		"internal/apply":       {module + "/controllers", module + "/fleetserver", module + "/member"},
		"controllers":          {module + "/fleetserver", module + "/member", module + "/hack", module + "/test"},
		"cmd/manager":          {module + "/fleetserver", module + "/member", module + "/hack"},
		"cmd/argus-fleet":      {module + "/controllers", module + "/api/v1alpha1", module + "/member", "k8s.io/client-go"},
		"cmd/argus-bot":        {module + "/controllers", module + "/api/v1alpha1", module + "/fleetserver", "k8s.io/client-go"},
	}
	right := map[string][]string{
		"fleetserver":        {module + "/fleetapi", "net/http"},
		"member":             {module + "/fleetapi", "log/slog"},
		"internal/manifests": {module + "/api/v1alpha1", module + "/fleetapi"},
		"internal/apply":     {module + "/api/v1alpha1", "sigs.k8s.io/controller-runtime"},
		"controllers":        {module + "/internal/manifests", module + "/api/v1alpha1", module + "/fleetapi", "k8s.io/client-go"},
		"cmd/manager":        {module + "/controllers", module + "/api/v1alpha1"},
		"cmd/argus-fleet":    {module + "/fleetserver", module + "/fleetapi"},
		"cmd/argus-bot":      {module + "/member", module + "/fleetapi"},
	}
	m := makeModule(t)
	var want []string
	for folder, imports := range wrong {
		for _, path := range imports {
			want = append(want, m.addImport(folder, path)+" "+path)
		}
	}
	for folder, imports := range right {
		for _, path := range imports {
			m.addImport(folder, path)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, m.lint()); diff != "" {
		t.Errorf("imports that the linter refuses (-want +got):\n%s", diff)
	}
}

// madeUp is a module with the folders of this one and nothing in them.
type madeUp struct {
	t     *testing.T
	dir   string
	files int
}

func makeModule(t *testing.T) *madeUp {
	t.Helper()
	m := &madeUp{t: t, dir: t.TempDir()}
	config, err := os.ReadFile(filepath.Join(root(t), ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	m.write(".golangci.yml", string(config))
	m.write("go.mod", "module "+module+"\n\ngo 1.26\n\n"+
		"require (\n\tk8s.io/client-go v0.0.0\n\tsigs.k8s.io/controller-runtime v0.0.0\n)\n\n"+
		"replace (\n\tk8s.io/client-go => ./others/client-go\n\tsigs.k8s.io/controller-runtime => ./others/controller-runtime\n)\n")
	for _, path := range []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime"} {
		folder := "others/" + filepath.Base(path)
		m.write(folder+"/go.mod", "module "+path+"\n\ngo 1.26\n")
		m.write(folder+"/doc.go", "package other\n")
	}
	return m
}

func (m *madeUp) write(path, content string) {
	m.t.Helper()
	path = filepath.Join(m.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// addImport adds a file with one import below a folder and returns the file's
// path. The file is a package of its own, so that imports that go both ways are no
// cycle. What it imports exists afterwards.
func (m *madeUp) addImport(folder, path string) string {
	m.t.Helper()
	m.files++
	file := fmt.Sprintf("%s/case%d/file.go", folder, m.files)
	m.write(file, fmt.Sprintf("package made\n\nimport _ %q\n", path))
	if target, ours := strings.CutPrefix(path, module+"/"); ours {
		m.write(target+"/doc.go", "package made\n")
	}
	return file
}

// lint returns "file import" for each finding of depguard.
func (m *madeUp) lint() []string {
	m.t.Helper()
	find := exec.CommandContext(m.t.Context(), "go", "tool", "-n", "-modfile=hack/tools/golangci-lint.mod", "golangci-lint")
	find.Dir = root(m.t)
	path, err := find.Output()
	if err != nil {
		m.t.Fatalf("compiling golangci-lint: %v", err)
	}
	report := filepath.Join(m.dir, "report.json")
	cmd := exec.CommandContext(m.t.Context(), strings.TrimSpace(string(path)), "run", "--enable-only=depguard", "--output.json.path="+report, "./...")
	cmd.Dir = m.dir
	printed, err := cmd.CombinedOutput()
	if err == nil {
		m.t.Fatalf("the linter is content:\n%s", printed)
	}
	content, err := os.ReadFile(report)
	if err != nil {
		m.t.Fatalf("%v\n%s", err, printed)
	}
	return m.findings(content)
}

func (m *madeUp) findings(report []byte) []string {
	m.t.Helper()
	var parsed struct {
		Issues []struct {
			FromLinter, Text string
			Pos              struct{ Filename string }
		}
	}
	if err := json.Unmarshal(report, &parsed); err != nil {
		m.t.Fatal(err)
	}
	var found []string
	for _, issue := range parsed.Issues {
		if issue.FromLinter != "depguard" {
			m.t.Fatalf("%s: %s: %s", issue.Pos.Filename, issue.FromLinter, issue.Text)
		}
		imported := strings.SplitN(issue.Text, "'", 3)[1]
		found = append(found, issue.Pos.Filename+" "+imported)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
