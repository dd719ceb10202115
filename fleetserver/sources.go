package fleetserver

import (
	"fmt"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/analytics"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

// leastPrometheusWindow bounds how often Prometheus is asked, whatever the view
// window is.
const leastPrometheusWindow = time.Second

// connect makes the clients of Prometheus and ClickHouse. Neither is called
// yet: both may be down, now and later.
func (s *Server) connect(readFile func(string) ([]byte, error)) error {
	s.values = source.NewComposite(nil, s.push)
	if s.config.PrometheusURL != "" {
		prometheus, err := source.NewPrometheus(source.PrometheusOptions{
			URL: s.config.PrometheusURL, Prefix: s.config.Namespace, Window: max(s.config.ViewCache, leastPrometheusWindow),
			Token: s.config.PrometheusToken, CAFile: s.config.PrometheusCAFile,
			ReadFile: readFile, Now: s.now, Logger: s.logger, Observe: s.metrics.observeRound,
		})
		if err != nil {
			return fmt.Errorf("%s, %s: %w", fleetapi.EnvFleetPrometheusURL, fleetapi.EnvFleetPrometheusCAFile, err)
		}
		s.values = source.NewComposite(prometheus, s.push)
	}
	if s.config.ClickHouse != nil {
		guarded := !s.keyring.List(fleetapi.SurfaceViewer).Open()
		s.analytics = analytics.New(*s.config.ClickHouse, analytics.Options{Guarded: guarded})
	}
	return nil
}

func (s *Server) disconnect() {
	s.values.Close()
	if s.analytics != nil {
		s.analytics.Close()
	}
}
