package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
	"github.com/argus-dev/argus-operator/member"
)

// variables asks a parser what it looks up: the variables, and whether each may
// stand in a file.
func variables(parse func(lookup func(string) (string, bool))) []string {
	var names []string
	parse(func(name string) (string, bool) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return "", false
	})
	var rows []string
	for _, name := range names {
		base, isFile := strings.CutSuffix(name, fleetapi.FileSuffix)
		if isFile && slices.Contains(names, base) {
			continue
		}
		file := "no"
		if slices.Contains(names, name+fleetapi.FileSuffix) {
			file = "yes"
		}
		rows = append(rows, row(name, file))
	}
	return rows
}

const variableColumns = "Variable | Default | File | Meaning"

func variablesOnPage(t *testing.T, under string) (rows []string) {
	t.Helper()
	for _, cells := range table(t, variableColumns, under) {
		rows = append(rows, row(plain(cells[0]), cells[2]))
	}
	return rows
}

func TestVariables(t *testing.T) {
	inCode := variables(func(lookup func(string) (string, bool)) { _, _ = fleetserver.ConfigFromEnv(lookup, nil) })
	inCode = append(inCode, row(fleetapi.EnvFleetEnvFile, "no")) // which the command reads before
	compare(t, "variables of the control plane", inCode, variablesOnPage(t, "## Variables"))
}

func TestVariablesOfABot(t *testing.T) {
	inCode := variables(func(lookup func(string) (string, bool)) {
		config, err := member.ConfigFromEnv(lookup, nil)
		if err == nil && config.Token != nil {
			_, _ = config.Token() // secrets are looked up when they are used
		}
	})
	compare(t, "variables of a bot", inCode, variablesOnPage(t, "### Variables of a bot"))
}

// TestDefaults sets each variable to what the page calls its default: nothing
// may change by that.
func TestDefaults(t *testing.T) {
	want, err := fleetserver.ConfigFromEnv(func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defaults := 0
	for _, cells := range table(t, variableColumns, "## Variables") {
		name, value := plain(cells[0]), plain(cells[1])
		if value == "" || name == fleetapi.EnvFleetEnvFile {
			continue
		}
		defaults++
		got, err := fleetserver.ConfigFromEnv(func(asked string) (string, bool) {
			if asked == name {
				return value, true
			}
			return "", false
		}, nil)
		got.LegacyState = want.LegacyState // is for those who name no state file
		if err != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s=%s is not the default: %v", name, value, err)
		}
	}
	if defaults < 15 {
		t.Errorf("the page names %d defaults only", defaults)
	}
}

// TestEveryVariableOfTheWireIsOnThePage reads the constants, so that one which no
// parser asks for does not go unnoticed.
func TestEveryVariableOfTheWireIsOnThePage(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../fleetapi/env.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !strings.HasPrefix(spec.Names[0].Name, "EnvFleet") {
			return true
		}
		found++
		if !strings.Contains(string(content), "\n| `"+value+"` |") {
			t.Errorf("%s is not on the page", value)
		}
		return true
	})
	if found < 25 {
		t.Errorf("%d constants were found only", found)
	}
}

// TestNoPageNamesAVariableThatIsNone looks at the prose too.
func TestNoPageNamesAVariableThatIsNone(t *testing.T) {
	known := []string{"ARGUS_FLEET_"}
	for _, parse := range []func(func(string) (string, bool)){
		func(lookup func(string) (string, bool)) { _, _ = fleetserver.ConfigFromEnv(lookup, nil) },
		func(lookup func(string) (string, bool)) { _, _ = member.ConfigFromEnv(lookup, nil) },
	} {
		parse(func(name string) (string, bool) { known = append(known, name); return "", false })
	}
	known = append(known, fleetapi.EnvFleetEnvFile)
	for _, path := range []string{page, "../../docs/migrating.md"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`ARGUS_[A-Z_]+`).FindAllString(string(content), -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s names %s, which nothing reads", path, name)
			}
		}
	}
}
