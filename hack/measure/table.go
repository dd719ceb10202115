// Package measure is what the benchmarks share: the table of their results, and what a
// process has used.
package measure

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Table collects the results.
type Table struct{ rows []row }

type row struct {
	what, measured, target, verdict string
	// worse is how many times as bad as the target it is: above 1 it is missed.
	worse float64
}

// AtMost adds a result that its target bounds from above.
func (t *Table) AtMost(what string, value, limit float64, unit string) {
	t.judge(what, value, "<= "+quantity(limit, unit), unit, worse(value, limit))
}

// AtLeast adds a result that its target bounds from below.
func (t *Table) AtLeast(what string, value, limit float64, unit string) {
	t.judge(what, value, ">= "+quantity(limit, unit), unit, worse(limit, value))
}

// Note adds a result without a target.
func (t *Table) Note(what string, value float64, unit string) {
	t.rows = append(t.rows, row{what: what, measured: quantity(value, unit)})
}

func (t *Table) judge(what string, value float64, target, unit string, times float64) {
	verdict := "MISSED"
	if times <= 1 {
		verdict = "met"
	}
	t.rows = append(t.rows, row{what, quantity(value, unit), target, verdict, times})
}

// worse is how many times more one is than another, and 1 if it is not more.
func worse(more, less float64) float64 {
	if more <= less {
		return 1
	}
	return more / less
}

// FarOff lists what is more than so many times as bad as its target.
func (t *Table) FarOff(times float64) []string {
	var far []string
	for _, r := range t.rows {
		if r.worse > times {
			far = append(far, r.what+": "+r.measured+", target "+r.target)
		}
	}
	return far
}

// Print writes the table.
func (t *Table) Print(out io.Writer) {
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
