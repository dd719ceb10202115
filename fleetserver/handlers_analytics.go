package fleetserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/analytics"
)

// Outcomes of a question, as a metric's label.
const (
	outcomeAnswered    = "answered"
	outcomeUnreachable = "unreachable"
	outcomeFailed      = "failed"
)

// analyticsRoutes are there only with a ClickHouse: without one their paths are
// unknown ones.
func (s *Server) analyticsRoutes() []route {
	c := s.analytics
	if c == nil {
		return nil
	}
	return []route{
		{http.MethodGet, fleetapi.PathInteractionVolume, permitViewer, rateRead, question(s, analytics.InteractionVolume, c.InteractionVolume)},
		{http.MethodGet, fleetapi.PathTopCommands, permitViewer, rateRead, question(s, analytics.TopCommands, c.TopCommands)},
		{http.MethodGet, fleetapi.PathCommandStats, permitViewer, rateRead, question(s, analytics.CommandStats, c.CommandStats)},
		{http.MethodGet, fleetapi.PathAvgDuration, permitViewer, rateRead, question(s, analytics.AvgDuration, c.AvgDuration)},
	}
}

// question is the handler of one question about a guild.
func question[Resp any](s *Server, name string, ask func(context.Context, analytics.Request) (Resp, error)) handler {
	about := func(r *http.Request) (analytics.Request, error) { return s.analytics.Request(r.URL.Query()) }
	return endpoint(about, func(ctx context.Context, _ Caller, about analytics.Request) (Resp, error) {
		started := time.Now()
		reply, err := ask(ctx, about)
		s.asked(name, time.Since(started), err)
		return reply, err
	})
}

// asked counts a question, and logs one that ClickHouse left unanswered: the
// client is told no more than that.
func (s *Server) asked(name string, took time.Duration, err error) {
	outcome := outcomeAnswered
	switch {
	case errors.Is(err, analytics.ErrUnreachable):
		outcome = outcomeUnreachable
	case err != nil:
		outcome = outcomeFailed
	}
	s.metrics.analytics.WithLabelValues(name, outcome).Observe(took.Seconds())
	if _, ok := errors.AsType[*analytics.QueryError](err); ok {
		s.logger.Warn("analytics question stays unanswered", "error", err)
	}
}
