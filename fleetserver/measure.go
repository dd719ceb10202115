package fleetserver

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// otherRoute labels requests of unknown paths and methods.
const otherRoute = "other"

// measure counts requests by route and status class.
func (s *Server) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w}
		defer func() { // also of a request that ends in a panic
			name := otherRoute
			if x := exchangeOf(r); x.route != nil {
				name = x.route.path
			}
			s.routes.counters[name].count(s.metrics.requests, name, recorder.code())
		}()
		next.ServeHTTP(recorder, r)
	})
}

// routeCounters spares the search for a route's counter with every request. A
// class has none until it is first seen: a series that is there has counted.
type routeCounters struct {
	classes [6]atomic.Pointer[prometheus.Counter]
}

func (c *routeCounters) count(requests *prometheus.CounterVec, route string, code int) {
	class := min(code/100, len(c.classes)-1)
	counter := c.classes[class].Load()
	if counter == nil {
		found := requests.WithLabelValues(route, strconv.Itoa(class)+"xx")
		counter = &found
		c.classes[class].Store(counter)
	}
	(*counter).Inc()
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *statusRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is an implicit WriteHeader, as of any ResponseWriter.
func (w *statusRecorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusRecorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
