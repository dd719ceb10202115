package fleetserver

import (
	"context"
	"net/http"
)

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
