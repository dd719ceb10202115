package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table collects the results.
type table struct{ rows []row }

type row struct{ what, measured, target, verdict string }

// atMost and atLeast add a result with its target; note adds one without.
func (t *table) atMost(what string, value, limit float64, unit string) {
	t.judge(what, value, "<= "+quantity(limit, unit), unit, value <= limit)
}

func (t *table) atLeast(what string, value, limit float64, unit string) {
	t.judge(what, value, ">= "+quantity(limit, unit), unit, value >= limit)
}

func (t *table) note(what string, value float64, unit string) {
	t.rows = append(t.rows, row{what, quantity(value, unit), "", ""})
}

func (t *table) judge(what string, value float64, target, unit string, met bool) {
	verdict := "MISSED"
	if met {
		verdict = "met"
	}
	t.rows = append(t.rows, row{what, quantity(value, unit), target, verdict})
}

func (t *table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tMEASURED\tTARGET\tVERDICT")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.what, r.measured, r.target, r.verdict)
	}
	_ = w.Flush()
}

// quantity writes a value with three figures, or whole ones above 100.
func quantity(value float64, unit string) string {
	if value >= 100 {
		return fmt.Sprintf("%.0f %s", value, unit)
	}
	return fmt.Sprintf("%.3g %s", value, unit)
}
