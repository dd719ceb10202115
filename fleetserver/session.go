package fleetserver

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/access"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

const (
	sessionLife   = 12 * time.Hour
	sessionDomain = "argus-fleet/session/v1"
	// The name with __Host- is for encrypted connections: browsers then insist
	// on Secure, on the path / and on this host alone.
	sessionCookie       = "argus-session"
	secureSessionCookie = "__Host-" + sessionCookie
)

// sessionCodec seals cookies with a key that follows from a viewer token: a
// session dies with its token, and lives through a restart.
func sessionCodec(token string) *securecookie.SecureCookie {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(sessionDomain))
	// The moment at which a session ends is in the cookie; the codec's own clock is not asked.
	return securecookie.New(mac.Sum(nil), nil).MaxAge(0).SetSerializer(securecookie.NopEncoder{})
}

// sealSession returns a cookie's value for a token.
func sealSession(name, token string, ends time.Time) (string, error) {
	return sessionCodec(token).Encode(name, strconv.AppendInt(nil, ends.Unix(), 10))
}

// openSession returns the token that sealed the request's cookie, if it is
// still accepted and the session has not ended.
func openSession(r *http.Request, list *access.List, now time.Time) (token string, ok bool) {
	for _, name := range []string{secureSessionCookie, sessionCookie} {
		cookie, err := r.Cookie(name)
		if err != nil {
			continue
		}
		for _, use := range list.Uses() {
			var ends []byte
			if sessionCodec(use.Token).Decode(name, cookie.Value, &ends) != nil {
				continue
			}
			seconds, err := strconv.ParseInt(string(ends), 10, 64)
			if err == nil && now.Before(time.Unix(seconds, 0)) {
				return use.Token, true
			}
		}
	}
	return "", false
}

// cookieReply sets or clears the session cookie.
type cookieReply struct{ *http.Cookie }

func (c cookieReply) writeTo(w http.ResponseWriter, _ *http.Request) {
	if c.Cookie != nil {
		http.SetCookie(w, c.Cookie)
	}
	w.WriteHeader(http.StatusNoContent)
}

// sessionRequest is the body of POST /api/session: {"token": "..."}.
type sessionRequest struct {
	token  string
	secure bool
}

func (s *Server) sessionBody(r *http.Request) (sessionRequest, error) {
	fields, err := s.bodyFields(r)
	return sessionRequest{source.Text(fields["token"]), s.proxies.secure(r)}, err
}

// signIn turns the viewer token into a cookie that scripts cannot read.
func (s *Server) signIn(_ context.Context, caller Caller, q sessionRequest) (cookieReply, error) {
	list := s.keyring.List(fleetapi.SurfaceViewer)
	if list.Open() {
		return cookieReply{}, nil
	}
	if !list.Accept(q.token, s.now()) {
		return cookieReply{}, s.authFailure(caller, permitViewer, fleetapi.PathSession)
	}
	cookie := newSessionCookie(q.secure, sessionLife) //nolint:gosec // Secure follows the connection: a plain one, as to localhost, could not send it back
	var err error
	cookie.Value, err = sealSession(cookie.Name, q.token, s.now().Add(sessionLife))
	return cookieReply{cookie}, err
}

func sessionScheme(s *Server) func(*http.Request) (bool, error) {
	return func(r *http.Request) (bool, error) { return s.proxies.secure(r), nil }
}

// signOut forgets the cookie.
func (s *Server) signOut(_ context.Context, _ Caller, secure bool) (cookieReply, error) {
	cookie := newSessionCookie(secure, 0) //nolint:gosec // Secure follows the connection: a plain one, as to localhost, could not send it back
	cookie.MaxAge = -1
	return cookieReply{cookie}, nil
}

func newSessionCookie(secure bool, life time.Duration) *http.Cookie {
	name := sessionCookie
	if secure {
		name = secureSessionCookie
	}
	return &http.Cookie{ //nolint:gosec // Secure follows the connection: a plain one, as to localhost, could not send it back
		Name: name, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}
