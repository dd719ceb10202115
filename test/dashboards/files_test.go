// Package dashboards holds the Grafana boards and Prometheus rules against what
// they speak of: their own form, promtool's unit tests, and a real Prometheus that
// scrapes everything which runs.
package dashboards

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const folder = "../../dashboards"

// board is as much of a Grafana board as the tests look at.
type board struct {
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Tags          []string `json:"tags"`
	SchemaVersion int      `json:"schemaVersion"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

// variable is a template variable of a board.
type variable struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Definition string `json:"definition"`
	Regex      string `json:"regex"`
	IncludeAll bool   `json:"includeAll"`
	AllValue   string `json:"allValue"`
}

// panel is a panel or a row of a board.
type panel struct {
	ID         int       `json:"id"`
	Type       string    `json:"type"`
	Title      string    `json:"title"`
	Datasource reference `json:"datasource"`
	GridPos    position  `json:"gridPos"`
	Targets    []target  `json:"targets"`
}

type reference struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type position struct{ H, W, X, Y int }

// target is a query of a panel.
type target struct {
	RefID      string    `json:"refId"`
	Expr       string    `json:"expr"`
	Datasource reference `json:"datasource"`
}

// boards returns all boards by file name.
func boards(t *testing.T) map[string]board {
	t.Helper()
	found := map[string]board{}
	for name, content := range files(t, "boards", "*.json") {
		var b board
		if err := json.Unmarshal(content, &b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found[name] = b
	}
	return found
}

// ruleFile is a file of rules, as Prometheus reads it.
type ruleFile struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	} `json:"groups"`
}

// rule is a recording or an alerting rule.
type rule struct {
	Record      string            `json:"record"`
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func (r rule) name() string { return r.Record + r.Alert }

// rules returns the rules of all files by file name.
func rules(t *testing.T) map[string][]rule {
	t.Helper()
	found := map[string][]rule{}
	for name, content := range files(t, "rules", "*.yaml") {
		var file ruleFile
		if err := yaml.Unmarshal(content, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, group := range file.Groups {
			found[name] = append(found[name], group.Rules...)
		}
	}
	return found
}

// files reads the files of a folder, and fails where there are none.
func files(t *testing.T, elem ...string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(append([]string{folder}, elem...)...))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s: %v", strings.Join(elem, "/"), err)
	}
	found := map[string][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(path)] = content
	}
	return found
}
