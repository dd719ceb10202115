package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// collector shows a simulation as a bot's metrics, live at each scrape.
type collector struct {
	simulation *simulation
	now        func() time.Time
	cluster    string
	families   []family
	descs      []*prometheus.Desc
	durations  *prometheus.Desc
}

func newCollector(s *simulation, prefix, cluster string, now func() time.Time) *collector {
	c := &collector{simulation: s, now: now, cluster: cluster, families: catalogue(cluster)}
	for _, f := range c.families {
		c.descs = append(c.descs, prometheus.NewDesc(prefix+"_"+f.name, f.help, f.labels, nil))
	}
	c.durations = prometheus.NewDesc(prefix+"_"+fleetapi.MetricAppCommandDuration,
		"Time from an application command's receipt to its completion.", []string{labelCommand, labelCluster}, nil)
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range c.descs {
		out <- desc
	}
	out <- c.durations
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	m := c.simulation.at(c.now())
	for i, f := range c.families {
		f.values(m, func(value float64, labels ...string) {
			out <- c.metric(c.descs[i], f.kind, value, labels)
		})
	}
	for _, command := range m.commands {
		succeeded, _ := m.invocations(command)
		buckets, sum := command.durations(succeeded)
		out <- prometheus.MustNewConstHistogramWithCreatedTimestamp(
			c.durations, uint64(succeeded), sum, buckets, c.simulation.start, command.name, c.cluster)
	}
}

func (c *collector) metric(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels []string) prometheus.Metric {
	if kind == prometheus.CounterValue {
		return prometheus.MustNewConstMetricWithCreatedTimestamp(desc, kind, value, c.simulation.start, labels...)
	}
	return prometheus.MustNewConstMetric(desc, kind, value, labels...)
}

// newRegistry returns the registry of one simulated bot. Subsystems are live
// truths that argus_subsystem_up shows under their names.
func newRegistry(c *collector, prefix string, processMetrics bool, subsystems map[string]func() bool) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		c,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "argus_up", Help: "Whether the bot's exposition works."}, func() float64 { return 1 }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "_bot_info", Help: "Versions of the bot.",
			ConstLabels: prometheus.Labels{"discord_py_version": "simulated", "argus_version": version},
		}, func() float64 { return 1 }),
	)
	for name, up := range subsystems {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "argus_subsystem_up", Help: "Whether a configured subsystem works.", ConstLabels: prometheus.Labels{"subsystem": name},
		}, func() float64 { return truth(up()) }))
	}
	if processMetrics {
		registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector(collectors.WithGoCollectorMemStatsMetricsDisabled()))
	}
	return registry
}
