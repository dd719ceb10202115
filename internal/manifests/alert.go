package manifests

import (
	"fmt"
	"maps"
	"strings"
)

// alert is one alerting rule.
type alert struct {
	name, severity string
	// expr holds SERIES within the braces of each selector, where the labels that pick
	// the series of what is watched go.
	expr string
	// lasting is how long the expression must hold; "" for at once.
	lasting string
	// summary is one sentence about what is watched, %s; todo says what to do.
	summary, todo string
}

// watched is what a set of alerts is about.
type watched struct {
	// series is the matcher of the labels that pick its series.
	series string
	// labels of every alert, and what the summaries call it.
	labels  map[string]any
	subject string
}

// group is the spec of a PrometheusRule with one group of alerts.
func (w watched) group(name string, alerts []alert) map[string]any {
	rules := []any{}
	for _, alert := range alerts {
		rules = append(rules, w.rule(alert))
	}
	return map[string]any{"groups": []any{map[string]any{"name": name, "rules": rules}}}
}

func (w watched) rule(a alert) map[string]any {
	labels := map[string]any{"severity": a.severity}
	maps.Copy(labels, w.labels)
	rule := map[string]any{
		"alert":  a.name,
		"expr":   strings.ReplaceAll(a.expr, "SERIES", w.series),
		"labels": labels,
		"annotations": map[string]any{
			"summary":     fmt.Sprintf(a.summary, w.subject),
			"description": a.todo,
		},
	}
	if a.lasting != "" {
		rule["for"] = a.lasting
	}
	return rule
}
