package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// workflow is as much of a GitHub workflow as the tests look at.
type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]job    `json:"jobs"`
}

type job struct {
	Uses        string            `json:"uses"`
	RunsOn      string            `json:"runs-on"`
	Timeout     int               `json:"timeout-minutes"`
	Permissions map[string]string `json:"permissions"`
	Steps       []struct {
		Uses string         `json:"uses"`
		Run  string         `json:"run"`
		With map[string]any `json:"with"`
	} `json:"steps"`
}

func workflows(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d workflows: %v", len(paths), err)
	}
	found := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(path)] = string(content)
	}
	return found
}

// TestActionsArePinned: a tag can be moved to other code, a commit cannot. The
// comment tells people and Dependabot which release the commit is.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$`)
	commits := map[string]string{} // by repository and release
	for name, content := range workflows(t) {
		for line := range strings.Lines(content) {
			_, uses, found := strings.Cut(line, "uses: ")
			if !found || strings.HasPrefix(uses, "./.github/workflows/") {
				continue
			}
			match := pinned.FindStringSubmatch("uses: " + strings.TrimSpace(uses))
			if match == nil {
				t.Errorf("%s: not pinned by commit and release: %s", name, strings.TrimSpace(line))
				continue
			}
			parts := strings.Split(match[1], "/")
			release := parts[0] + "/" + parts[1] + " " + match[3]
			if other := commits[release]; other != "" && other != match[2] {
				t.Errorf("%s: %s is %s here and %s elsewhere", name, release, match[2], other)
			}
			commits[release] = match[2]
		}
	}
	if len(commits) < 5 {
		t.Errorf("only %d actions were found", len(commits))
	}
}

func TestWorkflowsMayDoNoMoreThanTheyNeed(t *testing.T) {
	for name, content := range workflows(t) {
		var w workflow
		if err := yaml.Unmarshal([]byte(content), &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s: a job that says nothing has permissions %v", name, w.Permissions)
		}
		for id, job := range w.Jobs {
			if len(job.Permissions) == 0 || (job.Uses == "" && job.Timeout == 0) || strings.HasSuffix(job.RunsOn, "latest") {
				t.Errorf("%s: job %s lacks permissions or a time limit, or runs on %q", name, id, job.RunsOn)
			}
			checkPermissions(t, name+" "+id, job)
			checkSteps(t, name+" "+id, job)
		}
	}
}

func checkPermissions(t *testing.T, place string, job job) {
	t.Helper()
	for permission, level := range job.Permissions {
		if level == "write" && !slices.Contains(mayWrite(place), permission) {
			t.Errorf("%s may write %s", place, permission)
		}
	}
}

func checkSteps(t *testing.T, place string, job job) {
	t.Helper()
	for _, step := range job.Steps {
		if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
			t.Errorf("%s leaves its token in the checkout", place)
		}
		if strings.Contains(step.Run, "${{") {
			t.Errorf("%s puts an expression into a script, where its value is code: %s", place, step.Run)
		}
	}
}

// mayWrite lists what a job of a workflow may write.
func mayWrite(place string) []string {
	return map[string][]string{
		"codeql.yml analyze":     {"security-events"},
		"scorecard.yml analysis": {"security-events", "id-token"},
		"release.yml artifacts":  {"contents", "id-token", "attestations"},
		"release.yml images":     {"packages", "id-token", "attestations"},
		"release.yml chart":      {"packages", "id-token", "attestations"},
	}[place]
}

// TestWorkflowsCallMakeTargetsThatExist keeps CI and developers on the same commands.
func TestWorkflowsCallMakeTargetsThatExist(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for name, content := range workflows(t) {
		for _, match := range regexp.MustCompile(`\bmake ([a-z][a-z-]*)`).FindAllStringSubmatch(content, -1) {
			found++
			if !strings.Contains(string(makefile), "\n"+match[1]+":") {
				t.Errorf("%s calls make %s, which does not exist", name, match[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d calls of make were found", found)
	}
}
