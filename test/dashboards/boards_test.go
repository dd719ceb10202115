package dashboards

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestBoards holds every board to what Grafana, and those who install several of
// them, count on.
func TestBoards(t *testing.T) {
	owner := map[string]string{} // of a uid or title
	for name, b := range boards(t) {
		t.Run(name, func(t *testing.T) {
			for _, unique := range []string{b.UID, b.Title} {
				if other, taken := owner[unique]; taken || unique == "" {
					t.Errorf("%q is empty, or that of %s too", unique, other)
				}
				owner[unique] = name
			}
			if b.UID+".json" != name {
				t.Errorf("the uid is %s", b.UID)
			}
			if !slices.Contains(b.Tags, "argus") || b.SchemaVersion < 39 || b.Description == "" {
				t.Errorf("tags %q, schema version %d, description %q", b.Tags, b.SchemaVersion, b.Description)
			}
			checkVariables(t, b)
			checkPanels(t, b)
		})
	}
}

func checkVariables(t *testing.T, b board) {
	t.Helper()
	if len(b.Templating.List) == 0 || b.Templating.List[0].Type != "datasource" {
		t.Fatal("the first variable does not choose the data source")
	}
	for _, v := range b.Templating.List {
		// Grafana's own "All" lists every value; ".*" also takes series that lack the label.
		if v.IncludeAll && v.AllValue != ".*" {
			t.Errorf("variable %s: all is %q", v.Name, v.AllValue)
		}
	}
}

func checkPanels(t *testing.T, b board) {
	t.Helper()
	ids, titles := map[int]bool{}, map[string]bool{}
	queries := 0
	for i, p := range b.Panels {
		if ids[p.ID] || titles[p.Title] || p.Title == "" {
			t.Errorf("panel %d %q: id or title is not its own", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		checkPlace(t, p, b.Panels[:i])
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
		for _, q := range p.Targets {
			queries++
			checkQuery(t, p, q)
			checkVariablesOf(t, b, p, q)
		}
	}
	if queries < 10 {
		t.Errorf("%d queries only", queries)
	}
}

// checkPlace wants a panel within the grid, and upon no other.
func checkPlace(t *testing.T, p panel, others []panel) {
	t.Helper()
	if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W < 1 || p.GridPos.H < 1 {
		t.Errorf("%s stands at %+v, beyond the 24 columns", p.Title, p.GridPos)
	}
	for _, other := range others {
		if overlap(p.GridPos, other.GridPos) {
			t.Errorf("%s covers %s", p.Title, other.Title)
		}
	}
}

func overlap(a, b position) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// hardCoded is the default metric prefix where the variable should stand.
var hardCoded = regexp.MustCompile(`\bdiscord_[a-z]+_`)

func checkQuery(t *testing.T, p panel, q target) {
	t.Helper()
	if q.Datasource.UID != "${datasource}" || p.Datasource.UID != "${datasource}" {
		t.Errorf("%s %s: asks the data source %q", p.Title, q.RefID, q.Datasource.UID)
	}
	if q.RefID == "" || strings.TrimSpace(q.Expr) == "" {
		t.Errorf("%s: an empty query %+v", p.Title, q)
	}
	if hardCoded.MatchString(strings.ReplaceAll(q.Expr, "discord_py_version", "")) {
		t.Errorf("%s %s: the metric prefix is written out: %s", p.Title, q.RefID, q.Expr)
	}
	// A denominator of at least 1 makes errors vanish where less than one command a second runs.
	if strings.Contains(q.Expr, "clamp_min") {
		t.Errorf("%s %s: clamp_min hides what is rare: %s", p.Title, q.RefID, q.Expr)
	}
}

// checkVariablesOf wants a query to heed what the board lets one choose.
func checkVariablesOf(t *testing.T, b board, p panel, q target) {
	t.Helper()
	for _, v := range b.Templating.List {
		if v.Name == "cluster" && strings.Contains(q.Expr, "${prefix}_") && !strings.Contains(q.Expr, "$cluster") {
			t.Errorf("%s %s: does not heed the chosen cluster: %s", p.Title, q.RefID, q.Expr)
		}
		if v.Name == "job" && !strings.Contains(q.Expr, "$job") {
			t.Errorf("%s %s: does not heed the chosen job: %s", p.Title, q.RefID, q.Expr)
		}
	}
}
