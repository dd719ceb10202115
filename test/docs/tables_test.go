// Package docs holds the pages about the control plane against its code: a
// route, variable, metric or command that one has and the other lacks fails here.
package docs

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "../../docs/fleet-control-plane.md"

// table returns the rows of the page's table with these columns, by cell.
func table(t *testing.T, columns string, under string) [][]string {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(content), "\n"+under+"\n")
	if !found {
		t.Fatalf("the page has no section %q", under)
	}
	_, body, found := strings.Cut(section, "\n| "+columns+" |\n")
	if !found {
		t.Fatalf("the section %q has no table with the columns %s", under, columns)
	}
	var rows [][]string
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		if strings.HasPrefix(line, "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != strings.Count(columns, "|")+1 {
			t.Fatalf("a row with %d cells: %s", len(cells), line)
		}
		if cells[len(cells)-1] == "" {
			t.Errorf("a row that explains nothing: %s", line)
		}
		rows = append(rows, cells)
	}
	return rows
}

var code = regexp.MustCompile("^`([^`]*)`$")

// plain is a cell without its backquotes.
func plain(cell string) string {
	if found := code.FindStringSubmatch(cell); found != nil {
		return found[1]
	}
	return cell
}

// compare wants the page and the code to list the same, in whatever order.
func compare(t *testing.T, what string, inCode, onPage []string) {
	t.Helper()
	slices.Sort(inCode)
	slices.Sort(onPage)
	if diff := cmp.Diff(inCode, onPage); diff != "" {
		t.Errorf("%s (-code +page)\n%s", what, diff)
	}
}

func row(cells ...string) string { return fmt.Sprintf("%q", cells) }
