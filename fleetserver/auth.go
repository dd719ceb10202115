package fleetserver

import (
	"net/http"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// maxAuthFailures is how many failed authentications an address may make a
// minute before it is told 429 and its failures are no longer logged one by one.
const maxAuthFailures = 120

// authenticate lets a request through to its surface. Paths that do not exist
// belong to the viewer surface, so that nobody learns which do.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r)
		need := s.routes.permission(r.URL.Path)
		if need == permitOpen {
			next.ServeHTTP(w, r)
			return
		}
		token, ok := s.permitted(need, r)
		if ok {
			x.caller.Token = token
			trust(r)
			next.ServeHTTP(w, r)
			return
		}
		s.refuse(w, r, s.authFailure(x.caller, need, r.URL.Path))
	})
}

// authFailure counts and logs a failed authentication and is the answer to it.
func (s *Server) authFailure(caller Caller, need permission, path string) error {
	s.metrics.authFailures.WithLabelValues(string(need)).Inc()
	if s.authLimit.allow(caller.Remote) {
		s.logger.Warn("authentication failed", "path", loggable(path), "remote", caller.Remote)
		return errUnauthorized
	}
	if s.authSummary.allow(caller.Remote) {
		s.logger.Warn("too many failed authentications, further ones are not logged for a minute", "remote", caller.Remote)
	}
	return errAuthRate
}

// permitted looks at the credentials in order: Bearer, ?token=, cookie. One that
// is there and wrong is not made up for by a later one. It names the token that opened
// the way, if one did.
func (s *Server) permitted(need permission, r *http.Request) (name string, ok bool) {
	list := s.keyring.List(string(need))
	if list.Open() && need != permitAdmin {
		return "", true
	}
	token, ok := bearer(r)
	if !ok && need != permitAdmin {
		token, ok = queryToken(r)
	}
	if !ok && need == permitViewer && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		token, ok = openSession(r, list, s.now())
	}
	if !ok {
		return "", false
	}
	return list.Match(token, s.now())
}

// bearer returns the token of the Authorization header; if there is one, the
// query is not looked at.
func bearer(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// queryToken returns what stands behind ?token=.
func queryToken(r *http.Request) (string, bool) {
	if r.URL.RawQuery == "" {
		return "", false
	}
	query := r.URL.Query()
	return query.Get("token"), query.Has("token")
}

// permission is what a route asks for: the surface whose tokens open it.
type permission string

const (
	permitOpen   permission = ""
	permitIngest permission = fleetapi.SurfaceIngest
	permitViewer permission = fleetapi.SurfaceViewer
	permitAdmin  permission = fleetapi.SurfaceAdmin
)
