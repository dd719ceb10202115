package fleetserver

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
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
		s.boundReading,
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
		defer func() { // also of a request that ends in a panic
			name := "other"
			if x := exchangeOf(r); x.route != nil {
				name = x.route.path
			}
			s.metrics.requests.WithLabelValues(name, strconv.Itoa(recorder.code()/100)+"xx").Inc()
		}()
		next.ServeHTTP(recorder, r)
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

// contain turns a panic into a 500 of that request, or into a broken connection
// if a part of the reply is out already.
func (s *Server) contain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			if cause == nil {
				return
			}
			err := fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
			if recorder, ok := w.(*statusRecorder); ok && recorder.status != 0 {
				s.logFailure(r, err)
				panic(http.ErrAbortHandler) // the client must not take half a reply for one
			}
			w.Header().Del("Content-Encoding")
			s.refuse(w, r, err)
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
			header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, Last-Event-ID")
			header.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		header.Set("Access-Control-Expose-Headers", "ETag, Retry-After")
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

// boundReading bounds how long a body may take, also one that no handler reads:
// net/http reads it before it replies, whoever sent it and whatever for.
func (s *Server) boundReading(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyDeadline))
		}
		next.ServeHTTP(w, r)
	})
}

// boundBody bounds one body in size, and all bodies in flight together. Members'
// bodies have a budget that nobody else can use up.
func (s *Server) boundBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		x := exchangeOf(r)
		budget := &s.smallInFlight
		x.maxBody = min(s.config.MaxBodyBytes, maxSmallBodyBytes)
		if x.route != nil && x.route.permission == permitIngest {
			budget, x.maxBody = &s.inFlight, s.config.MaxBodyBytes
		}
		size := x.maxBody
		if r.ContentLength >= 0 && r.Header.Get("Content-Encoding") == "" {
			size = min(size, r.ContentLength)
		}
		if !budget.reserve(size) {
			s.refuse(w, r, errBusy)
			return
		}
		defer budget.release(size)
		r.Body = http.MaxBytesReader(w, r.Body, x.maxBody)
		next.ServeHTTP(w, r)
	})
}
