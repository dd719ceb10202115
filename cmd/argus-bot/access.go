package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"strings"
)

// gate lets requests through that bring the right token.
type gate struct {
	surface string
	token   func() (string, error)
	logger  *slog.Logger
}

// allows compares a request's token, from the Authorization header or else the
// query, with the wanted one. No token wanted means open; one that cannot be
// read means closed.
func (g gate) allows(r *http.Request) bool {
	want, err := g.token()
	if err != nil {
		g.logger.Warn("closed: its token cannot be read", "surface", g.surface, "error", err)
		return false
	}
	if want == "" {
		return true
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		given = r.URL.Query().Get("token")
	}
	if equal(given, want) {
		return true
	}
	g.logger.Warn("authentication failed", "surface", g.surface, "path", clip(r.URL.Path), "remote", remoteIP(r))
	return false
}

// equal compares in a time that tells nothing of either value, nor of its length.
func equal(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// clip bounds what a stranger can put into the log.
func clip(text string) string { return text[:min(len(text), 128)] }

func remoteIP(r *http.Request) string {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	return ip
}
