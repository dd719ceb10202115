package controllers

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the operator's own, beside those of controller-runtime.
type Metrics struct {
	writes *prometheus.CounterVec
	asks   *prometheus.CounterVec
}

// NewMetrics registers the operator's metrics.
func NewMetrics(registerer prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argus_operator_writes_total",
			Help: "Requests to the API server that write, by kind and verb.",
		}, []string{"kind", "verb"}),
		asks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argus_operator_fleet_requests_total",
			Help: "Reads from control planes, by outcome (ok or error).",
		}, []string{"outcome"}),
	}
	for _, collector := range []prometheus.Collector{m.writes, m.asks} {
		if err := registerer.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Wrote counts a write to the API server.
func (m *Metrics) Wrote(kind, verb string) { m.writes.WithLabelValues(kind, verb).Inc() }

func (m *Metrics) asked(err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	}
	m.asks.WithLabelValues(outcome).Inc()
}
