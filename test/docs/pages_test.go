package docs

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const repository = "../.."

// pages are all pages for people, by their path in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "charts/*/README.md", "hack/*/README.md", "dashboards/*.md", "web/*.md"} {
		paths, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range paths {
			content, err := os.ReadFile(one)
			if err != nil {
				t.Fatal(err)
			}
			relative, err := filepath.Rel(repository, one)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.ToSlash(relative)] = string(content)
		}
	}
	if len(found) < 12 {
		t.Fatalf("only %d pages were found", len(found))
	}
	return found
}

func exists(path string) bool {
	found, err := filepath.Glob(filepath.Join(repository, path))
	return err == nil && len(found) > 0
}

// fenced are the blocks of commands and samples of a page.
var fenced = regexp.MustCompile("(?s)\n```.*?\n```")

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	links := 0
	for name, content := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(content, ""), -1) {
			to, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(to, "://") {
				continue
			}
			links++
			target := path.Join(path.Dir(name), to)
			if to == "" {
				target = name
			}
			if !exists(target) {
				t.Errorf("%s links to %s, which does not exist", name, match[1])
			} else if anchor != "" && !slices.Contains(headings(t, target), anchor) {
				t.Errorf("%s links to %s, which has no such heading", name, match[1])
			}
		}
	}
	if links < 15 {
		t.Errorf("only %d links were found", links)
	}
}

// headings are the anchors of a page, as GitHub makes them.
func headings(t *testing.T, page string) (anchors []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(fenced.ReplaceAllString(string(content), ""), -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(match[1]), "")
		anchors = append(anchors, strings.ReplaceAll(anchor, " ", "-"))
	}
	return anchors
}

// built are paths that a command makes.
func built() []string { return []string{"bin", "dist"} }

// TestPathsExist looks at everything in backquotes, and at the arguments of commands,
// that begins with a folder of the repository.
func TestPathsExist(t *testing.T) {
	entries, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, entry := range entries {
		if entry.IsDir() && !slices.Contains(built(), entry.Name()) && entry.Name() != ".git" {
			folders = append(folders, regexp.QuoteMeta(entry.Name()))
		}
	}
	written := regexp.MustCompile("(?m)(?:^|[\\s`(=])(?:\\./)?((?:" + strings.Join(folders, "|") + ")/[A-Za-z0-9_./*-]*[A-Za-z0-9*])")
	test := regexp.MustCompile(`/(Test|Fuzz)[A-Z]\w*$`)
	paths := 0
	for name, content := range pages(t) {
		if strings.HasPrefix(name, "docs/decisions/") {
			continue // they tell of the day that they are dated
		}
		for _, match := range written.FindAllStringSubmatch(content, -1) {
			paths++
			if !test.MatchString(match[1]) && !exists(match[1]) {
				t.Errorf("%s names %s, which does not exist", name, match[1])
			}
		}
	}
	if paths < 80 {
		t.Errorf("only %d paths were found", paths)
	}
}

// TestNamedTestsExist: a promise is as good as the test that holds it.
func TestNamedTestsExist(t *testing.T) {
	named := regexp.MustCompile("`([a-z0-9/-]+)/((?:Test|Fuzz)[A-Z]\\w*)`")
	tests := map[string][]string{} // by folder
	for name, content := range pages(t) {
		for _, match := range named.FindAllStringSubmatch(content, -1) {
			if tests[match[1]] == nil {
				tests[match[1]] = testsIn(t, match[1])
			}
			if !slices.Contains(tests[match[1]], match[2]) {
				t.Errorf("%s names %s, and %s has no such test", name, match[2], match[1])
			}
		}
	}
	for line := range strings.Lines(pages(t)["docs/security.md"]) {
		promises := strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| Promise") && !strings.HasPrefix(line, "| Surface")
		if promises && !named.MatchString(line) {
			t.Errorf("a promise without a test: %s", line)
		}
	}
}

func testsIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range paths {
		content, err := os.ReadFile(one)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(content), -1) {
			names = append(names, match[1])
		}
	}
	return names
}

func TestMakeTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for name, content := range pages(t) {
		for _, match := range regexp.MustCompile("(?m)(?:^|`|&& )(?:sudo )?make ([a-z][a-z-]*)").FindAllStringSubmatch(content, -1) {
			calls++
			if !strings.Contains(string(makefile), "\n"+match[1]+":") {
				t.Errorf("%s tells to make %s, which the Makefile does not know", name, match[1])
			}
		}
	}
	if calls < 15 {
		t.Errorf("only %d calls of make were found", calls)
	}
}

// TestSourceMapIsWhole wants every folder with Go code on the page, or one above it.
func TestSourceMapIsWhole(t *testing.T) {
	_, section, found := strings.Cut(pages(t)["docs/architecture.md"], "\n## Source map\n")
	if !found {
		t.Fatal("there is no source map")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	mapped := map[string]bool{}
	for _, match := range regexp.MustCompile("`([a-z0-9/-]+)`").FindAllStringSubmatch(section, -1) {
		mapped[match[1]] = true
	}
	err := filepath.WalkDir(repository, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		folder, err := filepath.Rel(repository, filepath.Dir(file))
		if err != nil {
			return err
		}
		if !onTheMap(mapped, filepath.ToSlash(folder)) {
			mapped[filepath.ToSlash(folder)] = true // told once
			t.Errorf("%s is not on the source map", folder)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func onTheMap(mapped map[string]bool, folder string) bool {
	for ; folder != "."; folder = path.Dir(folder) {
		if mapped[folder] {
			return true
		}
	}
	return false
}

// TestReasonsOfTheTableExist compares the reasons that troubleshooting explains with
// the constants.
func TestReasonsOfTheTableExist(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(repository, "api", "v1alpha1", "conditions.go"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{v1alpha1.ReasonAvailable: true}
	for _, match := range regexp.MustCompile(`Reason\w+ += "(\w+)"`).FindAllStringSubmatch(string(content), -1) {
		known[match[1]] = true
	}
	_, table, _ := strings.Cut(pages(t)["docs/troubleshooting.md"], "\n## By reason\n")
	table, _, _ = strings.Cut(table, "\n## ")
	explained := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		for reason := range strings.SplitSeq(first, ", ") {
			explained++
			if !known[strings.Trim(reason, "`")] {
				t.Errorf("the page explains %s, which is no reason; there are %q", reason, slices.Sorted(maps.Keys(known)))
			}
		}
	}
	if explained < 15 {
		t.Errorf("only %d reasons are explained", explained)
	}
}
