package member

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/argus-dev/argus-operator/fleetapi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// everyKind collects one family of each kind, with the cases that differ
// between a Go registry and the snapshot of argus-dpy.
type everyKind struct{}

func (everyKind) Describe(chan<- *prometheus.Desc) {}

func (everyKind) Collect(out chan<- prometheus.Metric) {
	created := time.Unix(1795419230, 500_000_000)
	desc := func(name string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, "A metric.", labels, nil)
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	latency := desc("discord_shard_latency_seconds", "shard")
	gauge(latency, 0.041, "0")
	gauge(latency, math.Inf(1), "1")
	gauge(latency, math.NaN(), "2")
	gauge(desc("argus_up"), 1)
	gauge(desc("discord_bot_info", "argus_version"), 1, "dev")
	gauge(desc("discord_no_info"), 2)
	gauge(desc("both"), 3)
	out <- prometheus.MustNewConstMetric(desc("both_total"), prometheus.CounterValue, 4)
	out <- prometheus.MustNewConstMetric(desc("counter_without_suffix"), prometheus.CounterValue, 5)
	out <- prometheus.MustNewConstMetricWithCreatedTimestamp(
		desc("discord_interactions_total", "type"), prometheus.CounterValue, 1376, created, "application_command")
	out <- prometheus.MustNewConstHistogramWithCreatedTimestamp(desc("discord_app_command_duration_seconds", "command"),
		10, 4.5, map[float64]uint64{0.05: 1, 0.5: 7, 1: 8, 10: 9}, created, "ping")
	out <- prometheus.MustNewConstSummary(desc("go_gc_duration_seconds"), 3, 0.5, map[float64]float64{0: 0.1, 0.5: math.NaN(), 1: 0.3})
	out <- prometheus.MustNewConstMetric(desc("something"), prometheus.UntypedValue, 6)
}

func TestTheShapeOfASnapshot(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(everyKind{})
	snapshot, err := SnapshotFrom(registry)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(snapshot, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "snapshot.golden.json")
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); diff != "" {
		t.Errorf("snapshot differs from %s (-want +got):\n%s", golden, diff)
	}
}

func TestAGathererThatFailsHalfway(t *testing.T) {
	name, value, kind := "argus_up", 1.0, dto.MetricType_GAUGE
	half := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		family := &dto.MetricFamily{Name: &name, Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}}
		return []*dto.MetricFamily{family}, errors.New("a collector failed")
	})
	snapshot, err := SnapshotFrom(half)
	if errorText(err) != "gathering metrics: a collector failed" {
		t.Errorf("error %v", err)
	}
	want := fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{
		"argus_up": {Type: "gauge", Samples: []fleetapi.Sample{{Name: "argus_up", Labels: map[string]string{}, Value: 1}}},
	}}
	if diff := cmp.Diff(want, snapshot); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

func TestANativeHistogramWithoutBucketsStillHasItsCount(t *testing.T) {
	registry := prometheus.NewRegistry()
	native := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "native", Help: "h", NativeHistogramBucketFactor: 1.1})
	registry.MustRegister(native)
	native.Observe(3)
	snapshot, err := SnapshotFrom(registry)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, sample := range snapshot.Metrics["native"].Samples {
		if sample.Name != "native_created" {
			got[sample.Name+sample.Labels["le"]] = sample.Value
		}
	}
	if diff := cmp.Diff(map[string]float64{"native_bucket+Inf": 1, "native_count": 1, "native_sum": 3}, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

func TestTheHostsSnapshotIsNotChanged(t *testing.T) {
	theirs, _ := notFinite()
	ours := withoutNonFinite(theirs)
	if len(ours.Metrics["latency"].Samples) != 1 || len(theirs.Metrics["latency"].Samples) != 3 {
		t.Errorf("ours %v, theirs %v", ours, theirs)
	}
	if _, err := json.Marshal(ours); err != nil {
		t.Errorf("what is left cannot be encoded: %v", err)
	}
}

func TestBoundsAreWrittenAsPythonWritesThem(t *testing.T) {
	for value, want := range map[float64]string{0.05: "0.05", 1: "1.0", 2.5: "2.5", 10: "10.0", 1e-7: "1e-07", math.Inf(1): "+Inf"} {
		if got := floatText(value); got != want {
			t.Errorf("%v is written %q, want %q", value, got, want)
		}
	}
}
