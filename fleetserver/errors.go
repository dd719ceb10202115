package fleetserver

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/analytics"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/source"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

// Refusals of the HTTP layer itself.
var (
	errUnauthorized     = errors.New("unauthorized")
	errCrossOrigin      = errors.New("cross-origin request refused")
	errNotFound         = errors.New("not found")
	errMethod           = errors.New("method not allowed")
	errTooLarge         = errors.New("request body too large")
	errBodyRead         = errors.New("request body cannot be read")
	errEncoding         = errors.New("content encoding not supported")
	errBusy             = errors.New("too many requests in flight")
	errStreams          = errors.New("too many streams")
	errReadRate         = errors.New("read rate exceeded")
	errAuthRate         = errors.New("too many failed authentications")
	errRegisterRate     = errors.New("register rate exceeded")
	errIdentityRequired = errors.New("identity required")
	errClusterQuery     = errors.New("fleet and numeric number required")
	errClusterNotFound  = errors.New("cluster not found")
	errFleetNotFound    = errors.New("fleet not found")
	errExportFormat     = errors.New("format must be v1")
)

// failure is how an error is told to the client: a status, one flat line, and
// after how long it may try again (0 = not said).
type failure struct {
	status     int
	text       string
	retryAfter time.Duration
	// reason labels the refusal in metrics.
	reason string
}

// rule maps one error to its failure. An empty text is the error's own.
type rule struct {
	err error
	failure
}

// errorTable is the one place where an error becomes a status. What is not in
// it is a 500 that says nothing but the request's id.
func errorTable() []rule {
	return []rule{
		{errUnauthorized, failure{http.StatusUnauthorized, "", 0, "unauthorized"}},
		{errCrossOrigin, failure{http.StatusForbidden, "", 0, "cross_origin"}},
		{errNotFound, failure{http.StatusNotFound, "", 0, "not_found"}},
		{errMethod, failure{http.StatusMethodNotAllowed, "", 0, "method"}},
		{errTooLarge, failure{http.StatusRequestEntityTooLarge, "", 0, "too_large"}},
		{errBodyRead, failure{http.StatusBadRequest, "", 0, "body"}},
		{errEncoding, failure{http.StatusUnsupportedMediaType, "", 0, "encoding"}},
		{errBusy, failure{http.StatusServiceUnavailable, "", time.Second, "busy"}},
		{errStreams, failure{http.StatusServiceUnavailable, "", 5 * time.Second, "streams"}},
		{errReadRate, failure{http.StatusTooManyRequests, "", time.Second, "read_rate"}},
		{errAuthRate, failure{http.StatusTooManyRequests, "", 30 * time.Second, "auth_rate"}},
		{errRegisterRate, failure{http.StatusTooManyRequests, "", time.Second, "register_rate"}},
		{errIdentityRequired, failure{http.StatusBadRequest, "", 0, "names"}},
		{errClusterQuery, failure{http.StatusBadRequest, "", 0, "query"}},
		{errClusterNotFound, failure{http.StatusNotFound, "", 0, "cluster_not_found"}},
		{errFleetNotFound, failure{http.StatusNotFound, "", 0, "fleet_not_found"}},
		{errExportFormat, failure{http.StatusBadRequest, "", 0, "query"}},
		{analytics.ErrNoViewerToken, failure{http.StatusForbidden, "", 0, "analytics_closed"}},
		{analytics.ErrGuildRequired, failure{http.StatusBadRequest, "", 0, "query"}},
		{analytics.ErrGuild, failure{http.StatusBadRequest, "", 0, "query"}},
		{analytics.ErrCluster, failure{http.StatusBadRequest, "", 0, "query"}},
		{analytics.ErrUnreachable, failure{http.StatusServiceUnavailable, "", 5 * time.Second, "analytics_unreachable"}},
		{analytics.ErrAnswer, failure{http.StatusBadGateway, "", 0, "analytics_failed"}},
		{source.ErrNotJSON, failure{http.StatusBadRequest, "", 0, "body"}},
		{source.ErrNotObject, failure{http.StatusBadRequest, "", 0, "body"}},
		{registry.ErrUnknown, failure{http.StatusNotFound, "", 0, "unknown_identity"}},
		{registry.ErrLeased, failure{http.StatusConflict, "", 0, "lease"}},
		{registry.ErrAlive, failure{http.StatusConflict, "", 0, "alive"}},
		{registry.ErrFull, failure{http.StatusForbidden, "", 0, "cluster_cap"}},
		{registry.ErrTooManyFleets, failure{http.StatusForbidden, "", 0, "region_cap"}},
		{registry.ErrHeartbeatRate, failure{http.StatusTooManyRequests, "", time.Second, "heartbeat_rate"}},
		{registry.ErrRegisterRate, failure{http.StatusTooManyRequests, "", time.Second, "register_rate"}},
		{store.ErrUnavailable, failure{http.StatusServiceUnavailable, "state cannot be written, try again later", 5 * time.Second, "store"}},
		{store.ErrClosed, failure{http.StatusServiceUnavailable, "control plane is stopping", 5 * time.Second, "stopping"}},
		{context.Canceled, failure{http.StatusServiceUnavailable, "request was given up", time.Second, "canceled"}},
		{context.DeadlineExceeded, failure{http.StatusServiceUnavailable, "request took too long", time.Second, "deadline"}},
	}
}

// failureOf looks an error up; known is false for one that nobody expected.
func failureOf(err error) (f failure, known bool) {
	if name, ok := errors.AsType[*registry.NameError](err); ok {
		return failure{http.StatusBadRequest, name.Reason, 0, "names"}, true
	}
	for _, rule := range errorTable() {
		if errors.Is(err, rule.err) {
			f := rule.failure
			if f.text == "" {
				f.text = rule.err.Error()
			}
			return f, true
		}
	}
	return failure{http.StatusInternalServerError, "internal error", 0, "internal"}, false
}

// logFailure tells the log what a client is not told, and returns the request's
// id: by it the client's report and the log's line are brought together.
func (s *Server) logFailure(r *http.Request, err error) string {
	id := rand.Text()[:12]
	s.logger.Error("request failed", "request", id, "path", loggable(r.URL.Path), "error", err)
	return id
}

// refuse answers with an error.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f, known := failureOf(err)
	if !known {
		f.text += ", request " + s.logFailure(r, err)
	}
	s.metrics.refusals.WithLabelValues(f.reason).Inc()
	header := w.Header()
	if f.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(f.retryAfter.Seconds())))
	}
	if f.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="argus-fleet"`)
	}
	writeText(w, f.status, f.text+"\n")
}
