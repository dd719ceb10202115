package fleetserver

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// metrics are the control plane's own. The first six have the names of
// argus-dpy, so that its boards and rules keep working.
type metrics struct {
	registrations prometheus.Counter
	heartbeats    prometheus.Counter
	conflicts     prometheus.Counter
	viewBuild     prometheus.Histogram

	requests             *prometheus.CounterVec
	refusals             *prometheus.CounterVec
	authFailures         *prometheus.CounterVec
	scrapeTargetsRefused prometheus.Counter
	tokenReloadFailures  prometheus.Counter

	certificateReloadFailures prometheus.Counter
	forgotten                 prometheus.Counter

	storeCommits     prometheus.Histogram
	storeErrors      prometheus.Counter
	lockHeld         prometheus.Gauge
	prometheusRounds *prometheus.HistogramVec
	analytics        *prometheus.HistogramVec
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func newMetrics(registerer prometheus.Registerer, version string) (*metrics, error) {
	m := &metrics{
		registrations: counter("argus_fleet_registrations_total", "Accepted registrations."),
		heartbeats:    counter("argus_fleet_heartbeats_total", "Accepted heartbeats."),
		conflicts:     counter("argus_fleet_identity_conflicts_total", "Times that two processes were seen to share an identity."),
		viewBuild: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "argus_fleet_view_build_seconds", Help: "Time to build a fleet view; cached ones do not count.",
			Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
		}),
		requests:             counters("argus_fleet_http_requests_total", "Requests by route and status class.", "route", "code"),
		refusals:             counters("argus_fleet_refusals_total", "Refused requests by reason.", "reason"),
		authFailures:         counters("argus_fleet_auth_failures_total", "Requests without an accepted token, by surface.", "surface"),
		scrapeTargetsRefused: counter("argus_fleet_scrape_targets_refused_total", "Scrape targets that a member announced and that were dropped."),
		tokenReloadFailures:  counter("argus_fleet_token_reload_failures_total", "Reloads of token files that yielded no token."),

		certificateReloadFailures: counter("argus_fleet_tls_reload_failures_total", "Reloads of the TLS certificate that yielded none."),
		forgotten:                 counter("argus_fleet_retired_forgotten_total", "Retired clusters that were forgotten because there were too many of them."),

		storeCommits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "argus_fleet_store_commit_seconds", Help: "Time to make changes of the state durable.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		storeErrors: counter("argus_fleet_store_errors_total", "Failed writes of the state."),
		lockHeld: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "argus_fleet_state_lock_held", Help: "1 while this process holds the lock of its state file.",
		}),
		prometheusRounds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argus_fleet_prometheus_round_seconds", Help: "Time of a round of queries to Prometheus, by outcome: answered, in_part or silent.",
			Buckets: remoteBuckets(),
		}, []string{"outcome"}),
		analytics: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argus_fleet_analytics_seconds", Help: "Time of a question to ClickHouse, by question and outcome: answered, unreachable or failed.",
			Buckets: remoteBuckets(),
		}, []string{"question", "outcome"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "argus_fleet_build_info", Help: "1, labelled with the version that runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	all := []prometheus.Collector{
		m.registrations, m.heartbeats, m.conflicts, m.viewBuild, m.requests, m.refusals, m.authFailures,
		m.scrapeTargetsRefused, m.tokenReloadFailures, m.certificateReloadFailures, m.forgotten, m.storeCommits, m.storeErrors, m.lockHeld,
		m.prometheusRounds, m.analytics, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, collector := range all {
		if err := registerer.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// remoteBuckets fit another server's answers, which take ten seconds at the most.
func remoteBuckets() []float64 { return []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10} }

func (m *metrics) observeRound(took time.Duration, outcome string) {
	m.prometheusRounds.WithLabelValues(outcome).Observe(took.Seconds())
}

func (m *metrics) observeCommit(took time.Duration, err error) {
	m.storeCommits.Observe(took.Seconds())
	if err != nil {
		m.storeErrors.Inc()
	}
}

// fleetCollector reads the registry at each scrape.
type fleetCollector struct {
	registry                   *registry.Registry
	clusters, entries, retired *prometheus.Desc
}

func newFleetCollector(of *registry.Registry) *fleetCollector {
	return &fleetCollector{
		registry: of,
		clusters: prometheus.NewDesc("argus_fleet_clusters", "Clusters by fleet and status.", []string{"fleet", "status"}, nil),
		entries:  prometheus.NewDesc("argus_fleet_registry_entries", "Clusters listed, up or down.", nil, nil),
		retired:  prometheus.NewDesc("argus_fleet_retired_entries", "Retired clusters that are remembered for their numbers.", nil, nil),
	}
}

// Describe names the three families.
func (c *fleetCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.clusters
	out <- c.entries
	out <- c.retired
}

// Collect sends both rows of every fleet, so that a 0 is a 0 and not a gap.
func (c *fleetCollector) Collect(out chan<- prometheus.Metric) {
	type counts struct{ up, down int }
	fleets, total := map[string]*counts{}, 0
	for cluster := range c.registry.All() {
		total++
		fleet := fleets[cluster.Fleet]
		if fleet == nil {
			fleet = &counts{}
			fleets[cluster.Fleet] = fleet
		}
		if cluster.Up {
			fleet.up++
		} else {
			fleet.down++
		}
	}
	for name, n := range fleets {
		out <- prometheus.MustNewConstMetric(c.clusters, prometheus.GaugeValue, float64(n.up), name, "up")
		out <- prometheus.MustNewConstMetric(c.clusters, prometheus.GaugeValue, float64(n.down), name, "down")
	}
	out <- prometheus.MustNewConstMetric(c.entries, prometheus.GaugeValue, float64(total))
	out <- prometheus.MustNewConstMetric(c.retired, prometheus.GaugeValue, float64(c.registry.CountRetired()))
}

func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request, _ Caller) error {
	promhttp.HandlerFor(s.gatherer, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	return nil
}
