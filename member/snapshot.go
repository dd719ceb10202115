package member

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// Suffixes that OpenMetrics gives to the samples of a family.
const (
	suffixTotal   = "_total"
	suffixCreated = "_created"
	suffixBucket  = "_bucket"
	suffixCount   = "_count"
	suffixSum     = "_sum"
	suffixInfo    = "_info"

	labelBound    = "le"
	labelQuantile = "quantile"
)

// SnapshotFrom gathers every family and returns it in the shape that a control
// plane reads, which is the one of argus-dpy: a counter's family has no _total
// suffix while its samples do, a constant gauge called x_info is the info
// family x, histogram buckets carry le as Python writes floats ("1.0",
// "+Inf"), and where the time of creation is known there is a _created sample
// in Unix seconds. Values that are not finite are left out, as JSON has none.
//
// On a gathering error the snapshot holds what could be gathered.
func SnapshotFrom(gatherer prometheus.Gatherer) (fleetapi.Snapshot, error) {
	families, err := gatherer.Gather()
	snapshot := fleetapi.Snapshot{Metrics: make(map[string]fleetapi.Family, len(families))}
	for _, gathered := range families {
		name, family := convert(gathered)
		if _, taken := snapshot.Metrics[name]; taken {
			// A registry may hold both x and x_total; neither may hide the other.
			name = gathered.GetName()
		}
		snapshot.Metrics[name] = family
	}
	if err != nil {
		return snapshot, fmt.Errorf("gathering metrics: %w", err)
	}
	return snapshot, nil
}

func convert(gathered *dto.MetricFamily) (name string, family fleetapi.Family) {
	name = gathered.GetName()
	c := converter{name: name, samples: make([]fleetapi.Sample, 0, len(gathered.GetMetric()))}
	for _, metric := range gathered.GetMetric() {
		c.metric(gathered.GetType(), metric)
	}
	family = fleetapi.Family{Type: typeName(gathered.GetType()), Samples: c.samples}
	switch {
	case family.Type == "counter":
		name = strings.TrimSuffix(name, suffixTotal)
	case family.Type == "gauge" && strings.HasSuffix(name, suffixInfo) && c.allOne():
		name, family.Type = strings.TrimSuffix(name, suffixInfo), "info"
	}
	return name, family
}

func typeName(kind dto.MetricType) string {
	if kind == dto.MetricType_UNTYPED {
		return "unknown"
	}
	return strings.ReplaceAll(strings.ToLower(kind.String()), "_", "")
}

// converter collects the samples of one family.
type converter struct {
	name    string
	samples []fleetapi.Sample
}

func (c *converter) metric(kind dto.MetricType, metric *dto.Metric) {
	switch kind {
	case dto.MetricType_COUNTER:
		counter := metric.GetCounter()
		c.add(c.name, metric, counter.GetValue())
		if created := counter.GetCreatedTimestamp(); created != nil {
			c.created(strings.TrimSuffix(c.name, suffixTotal), metric, created.AsTime().UnixNano())
		}
	case dto.MetricType_GAUGE:
		c.add(c.name, metric, metric.GetGauge().GetValue())
	case dto.MetricType_UNTYPED:
		c.add(c.name, metric, metric.GetUntyped().GetValue())
	case dto.MetricType_SUMMARY:
		c.summary(metric)
	case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM:
		c.histogram(metric)
	}
}

func (c *converter) summary(metric *dto.Metric) {
	summary := metric.GetSummary()
	for _, quantile := range summary.GetQuantile() {
		c.addWith(c.name, metric, quantile.GetValue(), labelQuantile, floatText(quantile.GetQuantile()))
	}
	c.add(c.name+suffixCount, metric, float64(summary.GetSampleCount()))
	c.add(c.name+suffixSum, metric, summary.GetSampleSum())
	if created := summary.GetCreatedTimestamp(); created != nil {
		c.created(c.name, metric, created.AsTime().UnixNano())
	}
}

func (c *converter) histogram(metric *dto.Metric) {
	histogram := metric.GetHistogram()
	bounded := false
	for _, bucket := range histogram.GetBucket() {
		bounded = bounded || math.IsInf(bucket.GetUpperBound(), 1)
		c.addWith(c.name+suffixBucket, metric, float64(bucket.GetCumulativeCount()), labelBound, floatText(bucket.GetUpperBound()))
	}
	if !bounded {
		// A registry leaves the last bucket out, since it equals the count.
		c.addWith(c.name+suffixBucket, metric, float64(histogram.GetSampleCount()), labelBound, floatText(math.Inf(1)))
	}
	c.add(c.name+suffixCount, metric, float64(histogram.GetSampleCount()))
	c.add(c.name+suffixSum, metric, histogram.GetSampleSum())
	if created := histogram.GetCreatedTimestamp(); created != nil {
		c.created(c.name, metric, created.AsTime().UnixNano())
	}
}

func (c *converter) created(family string, metric *dto.Metric, nanoseconds int64) {
	c.add(family+suffixCreated, metric, float64(nanoseconds)/1e9)
}

func (c *converter) add(name string, metric *dto.Metric, value float64) {
	if !finite(value) {
		return
	}
	c.samples = append(c.samples, fleetapi.Sample{Name: name, Labels: labels(metric, 0), Value: value})
}

func (c *converter) addWith(name string, metric *dto.Metric, value float64, label, labelValue string) {
	if !finite(value) {
		return
	}
	with := labels(metric, 1)
	with[label] = labelValue
	c.samples = append(c.samples, fleetapi.Sample{Name: name, Labels: with, Value: value})
}

func (c *converter) allOne() bool {
	for _, sample := range c.samples {
		if sample.Value != 1 {
			return false
		}
	}
	return true
}

func labels(metric *dto.Metric, more int) map[string]string {
	result := make(map[string]string, len(metric.GetLabel())+more)
	for _, label := range metric.GetLabel() {
		result[label.GetName()] = label.GetValue()
	}
	return result
}

// floatText writes a bound as Python does, so that the buckets of Go and
// Python members of one fleet have equal labels.
func floatText(value float64) string {
	if math.IsInf(value, 1) {
		return "+Inf"
	}
	text := strconv.FormatFloat(value, 'g', -1, 64)
	if !strings.ContainsAny(text, ".eIN") {
		text += ".0"
	}
	return text
}

func finite(value float64) bool { return !math.IsNaN(value) && !math.IsInf(value, 0) }

// withoutNonFinite returns the snapshot without values that JSON cannot carry.
// The argument belongs to the host and is not changed; a family is copied only
// if it has to be.
func withoutNonFinite(snapshot fleetapi.Snapshot) fleetapi.Snapshot {
	clean := fleetapi.Snapshot{Metrics: make(map[string]fleetapi.Family, len(snapshot.Metrics))}
	for name, family := range snapshot.Metrics {
		clean.Metrics[name] = fleetapi.Family{Type: family.Type, Samples: finiteSamples(family.Samples)}
	}
	return clean
}

func finiteSamples(samples []fleetapi.Sample) []fleetapi.Sample {
	if samples == nil {
		return []fleetapi.Sample{} // the wire has an empty list, never null
	}
	for i := range samples {
		if finite(samples[i].Value) {
			continue
		}
		kept := append(make([]fleetapi.Sample, 0, len(samples)), samples[:i]...)
		for _, sample := range samples[i+1:] {
			if finite(sample.Value) {
				kept = append(kept, sample)
			}
		}
		return kept
	}
	return samples
}
