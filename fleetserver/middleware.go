package fleetserver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type middleware func(http.Handler) http.Handler

// middlewares are the layers around every request, outermost first. Limits
// come after authentication: nobody's failures use up what others may do.
func (s *Server) middlewares() []middleware {
	return []middleware{
		s.identify,
		s.measure,
		harden,
		s.contain,
		s.crossOrigin,
		s.sameOrigin,
		s.authenticate,
		s.limitReads,
		s.boundBody,
	}
}

func (s *Server) handler() http.Handler {
	var h http.Handler = http.HandlerFunc(s.dispatch)
	for _, wrap := range slices.Backward(s.middlewares()) {
		h = wrap(h)
	}
	return h
}

// dispatch is the innermost layer: the route's handler, or why there is none.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	if x.route == nil {
		if len(x.allowed) == 0 {
			s.refuse(w, r, errNotFound)
			return
		}
		w.Header().Set("Allow", strings.Join(x.allowed, ", "))
		s.refuse(w, r, errMethod)
		return
	}
	if err := x.route.handler(w, r, x.caller); err != nil {
		s.refuse(w, r, err)
	}
}

// measure counts requests by route and status class.
func (s *Server) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w}
		next.ServeHTTP(recorder, r)
		name := "other"
		if x := exchangeOf(r); x.route != nil {
			name = x.route.path
		}
		s.metrics.requests.WithLabelValues(name, strconv.Itoa(recorder.code()/100)+"xx").Inc()
	})
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

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusRecorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// harden sets the headers that every reply has, refusals included.
func harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Server", "argus-fleet")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-src 'self'; object-src 'none'; frame-ancestors 'none'")
		header.Set("Cache-Control", "private, no-cache")
		header.Set("Vary", "Authorization, Cookie, Accept-Encoding")
		next.ServeHTTP(w, r)
	})
}

// contain turns a panic into a 500 of that request.
func (s *Server) contain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			if cause != nil {
				s.refuse(w, r, fmt.Errorf("panic: %v", cause))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// crossOrigin answers preflights of allowed origins and marks every reply to
// one, so that a page elsewhere can read refusals too.
func (s *Server) crossOrigin(next http.Handler) http.Handler {
	if len(s.config.CORSOrigins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, origin := w.Header(), r.Header.Get("Origin")
		header.Add("Vary", "Origin")
		if !slices.Contains(s.config.CORSOrigins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions {
			header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			header.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what another site makes a browser send. Bots and tools
// send none of the headers that it goes by.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.protection.Check(r) != nil {
			s.refuse(w, r, errCrossOrigin)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limitReads applies the read limit to routes of that class.
func (s *Server) limitReads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r)
		if (x.route == nil || x.route.class == rateRead) && !s.readLimit.allow(x.caller.Remote) {
			s.refuse(w, r, errReadRate)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bodyDeadline bounds the time that a client may take to send its body.
const bodyDeadline = 10 * time.Second

// boundBody bounds one body in size and time, and all bodies in flight together.
func (s *Server) boundBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		size := s.config.MaxBodyBytes
		if r.ContentLength >= 0 && r.Header.Get("Content-Encoding") == "" {
			size = min(size, r.ContentLength)
		}
		if !s.inFlight.reserve(size) {
			s.refuse(w, r, errBusy)
			return
		}
		defer s.inFlight.release(size)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyDeadline))
		r.Body = http.MaxBytesReader(w, r.Body, s.config.MaxBodyBytes)
		next.ServeHTTP(w, r)
	})
}
