package sample

import (
	"fmt"
	"strconv"
	"strings"
)

type label struct{ name, value string }

// writer writes families and their samples one behind the other.
type writer struct {
	strings.Builder
	cluster           label
	round             int
	families, samples int
}

// count is a counter's value in this round.
func (w *writer) count(base int) float64 { return float64(base + w.round) }

// family ends the last family and begins another one.
func (w *writer) family(name, kind string) {
	if w.families > 0 {
		w.WriteString("]}, ")
	}
	fmt.Fprintf(&w.Builder, `"%s": {"type": "%s", "samples": [`, name, kind)
	w.families++
	w.samples = 0
}

// end ends the last family.
func (w *writer) end() { w.WriteString("]}") }

func (w *writer) sample(name string, value float64, labels ...label) {
	if w.samples > 0 {
		w.WriteString(", ")
	}
	w.samples++
	fmt.Fprintf(&w.Builder, `{"name": "%s", "labels": {`, name)
	for i, l := range labels {
		if i > 0 {
			w.WriteString(", ")
		}
		fmt.Fprintf(&w.Builder, `"%s": "%s"`, l.name, l.value)
	}
	w.WriteString(`}, "value": ` + python(value) + `}`)
}

// gauge is a family of one sample for the whole cluster.
func (w *writer) gauge(name string, value float64) {
	w.family(name, "gauge")
	w.sample(name, value, w.cluster)
}

// python writes a float as Python's repr does, for the sizes that occur here.
func python(value float64) string {
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
