package fleetserver

import (
	"context"
	_ "embed"
	"net/http"
	"strconv"
)

// shell is what a browser gets until it has signed in. It holds no data.
//
//go:embed shell.html
var shell []byte

func (s *Server) healthz(context.Context, Caller, none) (text, error) {
	return text{http.StatusOK, "ok\n"}, nil
}

// readyz says in one fixed word what is wrong, because it is open to everybody.
func (s *Server) readyz(context.Context, Caller, none) (text, error) {
	switch {
	case s.store.Faulty():
		return text{http.StatusServiceUnavailable, "store\n"}, nil
	case s.sweeperLate():
		return text{http.StatusServiceUnavailable, "sweeper\n"}, nil
	case !s.keyring.Healthy():
		return text{http.StatusServiceUnavailable, "tokens\n"}, nil
	}
	return text{http.StatusOK, "ready\n"}, nil
}

// document is an HTML page.
type document []byte

func (d document) writeTo(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(d)))
	_, _ = w.Write(d)
}

func (s *Server) page(context.Context, Caller, none) (document, error) { return shell, nil }
