//go:build e2e

package dashboards

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryExpressionReturnsData asks a real Prometheus, which scrapes all that
// runs, every query of every board, and everything that the rules look at.
func TestEveryExpressionReturnsData(t *testing.T) {
	s := newScene(t)
	all := boards(t)
	t.Run("variables", func(t *testing.T) { eventually(t, s.variables(t, all)...) })
	t.Run("boards", func(t *testing.T) {
		var checks []check
		for name, b := range all {
			checks = append(checks, s.queries(t, name, b, map[string]string{"prefix": "discord", "cluster": ".*", "job": ".*"})...)
		}
		eventually(t, checks...)
	})
	t.Run("boards for chosen clusters and jobs", func(t *testing.T) {
		var checks []check
		for name, b := range all {
			chosen := map[string]string{"prefix": "discord", "cluster": mybot + "|" + python, "job": "main-fleet"}
			if name == "argus-operator.json" {
				chosen["job"] = "argus-operator"
			}
			checks = append(checks, s.queries(t, name, b, chosen)...)
		}
		eventually(t, checks...)
	})
	t.Run("bots with another metric prefix show on the same boards", func(t *testing.T) {
		b := all["argus-gateway.json"]
		b.Panels = slices.DeleteFunc(slices.Clone(b.Panels), func(p panel) bool {
			// Nothing is wrong with this bot's shards, and only argus-dpy counts these.
			return slices.Contains([]string{"Shards without a connection", "Disconnects by cluster", "Log records of discord.py by level"}, p.Title)
		})
		eventually(t, s.queries(t, "argus-gateway.json", b, map[string]string{"prefix": otherPrefix, "cluster": other})...)
	})
	t.Run("rules", func(t *testing.T) { eventually(t, s.rules(t)...) })
}

// variables asks what Grafana would to fill its lists of values.
func (s scene) variables(t *testing.T, all map[string]board) (checks []check) {
	t.Helper()
	form := regexp.MustCompile(`^label_values\((.+), ([a-z_]+)\)$`)
	for name, b := range all {
		for _, v := range b.Templating.List {
			if v.Type == "datasource" {
				continue
			}
			query := form.FindStringSubmatch(v.Definition)
			if query == nil {
				t.Errorf("%s: variable %s asks %q", name, v.Name, v.Definition)
				continue
			}
			expr := fmt.Sprintf("count by (%s) (%s)", query[2], strings.ReplaceAll(query[1], "${prefix}", "discord"))
			checks = append(checks, func() string {
				values, problem := s.ask(t, expr, query[2])
				if problem == "" && v.Name == "prefix" {
					if got := prefixes(v, values); !slices.Equal(got, []string{otherPrefix, "discord"}) {
						problem = fmt.Sprintf("prefixes %q", got)
					}
				}
				return prefixed(name+", variable "+v.Name, problem)
			})
		}
	}
	return checks
}

// prefixed names the place of a problem, if there is one.
func prefixed(place, problem string) string {
	if problem == "" {
		return ""
	}
	return place + ": " + problem
}

// prefixes applies the variable's pattern to the names that Prometheus has.
func prefixes(v variable, names []string) (found []string) {
	pattern := regexp.MustCompile(strings.Trim(v.Regex, "/"))
	for _, name := range names {
		if match := pattern.FindStringSubmatch(name); match != nil {
			found = append(found, match[1])
		}
	}
	slices.Sort(found)
	return found
}

// queries wants data for every query of a board, with the variables set as given.
func (s scene) queries(t *testing.T, name string, b board, values map[string]string) (checks []check) {
	t.Helper()
	replace := []string{"$__rate_interval", "10s"}
	for variable, value := range values {
		replace = append(replace, "${"+variable+"}", value, "$"+variable, value)
	}
	for _, p := range b.Panels {
		for _, q := range p.Targets {
			expr := strings.NewReplacer(replace...).Replace(q.Expr)
			checks = append(checks, func() string {
				_, problem := s.ask(t, expr, "")
				return prefixed(fmt.Sprintf("%s, %s %s, %s", name, p.Title, q.RefID, expr), problem)
			})
		}
	}
	return checks
}

// selector is a metric in an expression, with what selects its series.
var selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})?`)

// labelLists are where an expression names labels alone.
var labelLists = regexp.MustCompile(`\b(by|on|ignoring) \([^)]*\)`)

// rules wants a value of each recording rule. Alerts rest while all is well, so of
// those it wants that they evaluate, and that each metric is there with the labels
// by which they select and aggregate.
func (s scene) rules(t *testing.T) (checks []check) {
	t.Helper()
	for file, all := range rules(t) {
		for _, r := range all {
			checks = append(checks, func() string {
				if r.Record != "" {
					_, problem := s.ask(t, r.Record, "")
					return prefixed(file+", "+r.Record, problem)
				}
				if _, problem := s.ask(t, r.Expr, ""); problem != noData && problem != "" {
					return prefixed(file+", "+r.Alert, problem)
				}
				return s.checkInputs(t, r)
			})
		}
	}
	return checks
}

// checkInputs looks for the metrics of an alert, under the labels that it names.
func (s scene) checkInputs(t *testing.T, r rule) string {
	t.Helper()
	by := regexp.MustCompile(`by \(([^)]*)\)`).FindAllStringSubmatch(r.Expr, -1)
	for _, match := range selector.FindAllStringSubmatch(labelLists.ReplaceAllString(r.Expr, ""), -1) {
		metric := match[1]
		if !strings.ContainsAny(metric, "_:") && metric != "up" || strings.HasSuffix(metric, "_over_time") {
			continue // a function, an operator or a label's name
		}
		series, problem := s.series(t, metric)
		if problem != "" {
			return r.Alert + ": " + problem
		}
		for _, label := range strings.FieldsFunc(match[2], func(c rune) bool { return strings.ContainsRune("{},", c) }) {
			name := strings.FieldsFunc(label, func(c rune) bool { return strings.ContainsRune("=~!", c) })[0]
			if _, has := series[strings.TrimSpace(name)]; !has {
				return fmt.Sprintf("%s: %s has no label %s", r.Alert, metric, name)
			}
		}
		for _, labels := range by {
			for label := range strings.SplitSeq(labels[1], ", ") {
				// Who scrapes adds the namespace.
				if _, has := series[label]; !has && label != "namespace" {
					return fmt.Sprintf("%s: %s has no label %s to aggregate by", r.Alert, metric, label)
				}
			}
		}
	}
	return ""
}

// noData is what ask says of an expression that is sound and selects nothing.
const noData = "no data"

// answer is Prometheus' to an instant query.
type answer struct {
	Status, Error string
	Data          struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	}
}

// sample is a series and its value.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

// ask evaluates an expression. Problem is "" if some value is a number; values are
// those of a label, if one is asked for.
func (s scene) ask(t *testing.T, expr, label string) (values []string, problem string) {
	t.Helper()
	samples, problem := s.query(t, expr)
	numbers := 0
	for _, one := range samples {
		values = append(values, one.Metric[label])
		if number, err := strconv.ParseFloat(fmt.Sprint(one.Value[1]), 64); err == nil && !math.IsNaN(number) {
			numbers++
		}
	}
	if problem == "" && numbers == 0 {
		problem = noData
	}
	return values, problem
}

// series returns the labels of one series of a metric.
func (s scene) series(t *testing.T, metric string) (labels map[string]string, problem string) {
	t.Helper()
	samples, problem := s.query(t, metric)
	if problem != "" || len(samples) == 0 {
		return nil, metric + ": " + max(problem, noData)
	}
	labels = map[string]string{}
	for _, one := range samples {
		for name, value := range one.Metric {
			labels[name] = value
		}
	}
	return labels, ""
}

func (s scene) query(t *testing.T, expr string) (samples []sample, problem string) {
	t.Helper()
	response, err := http.Get("http://" + s.prometheus + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err.Error()
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		return nil, err.Error()
	}
	if a.Status != "success" || a.Data.ResultType != "vector" {
		return nil, fmt.Sprintf("%s %s %s", a.Status, a.Data.ResultType, a.Error)
	}
	if err := json.Unmarshal(a.Data.Result, &samples); err != nil {
		return nil, err.Error()
	}
	return samples, ""
}
