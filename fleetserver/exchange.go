package fleetserver

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
)

// Caller is who makes a request, as far as the control plane knows.
type Caller struct {
	// Remote is the client's address, as trusted proxies tell it.
	Remote netip.Addr
	// Token is the fingerprint of the token that opened the way; "" without a pepper,
	// and where no token is needed.
	Token string
}

// exchange is what the middlewares learn of a request.
type exchange struct {
	caller Caller
	// route is nil for an unknown path or method; allowed lists the methods of a
	// known path.
	route   *route
	allowed []string
	// identity is whom the request would change, once that has been read.
	identity string
	// maxBody bounds the body, as it comes and unpacked.
	maxBody int64
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// concerns notes whom a request would change.
func concerns(r *http.Request, identity string) { exchangeOf(r).identity = identity }

// identify opens the exchange: who asks, and for what.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{caller: Caller{Remote: s.proxies.client(r)}}
		x.route, x.allowed = s.routes.find(r.Method, r.URL.Path)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	})
}

// loggable makes a client's text harmless in a log: no control characters, at
// most 128 characters, "?" for nothing.
func loggable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 128 {
		text = string(runes[:128])
	}
	if text == "" {
		return "?"
	}
	return text
}
