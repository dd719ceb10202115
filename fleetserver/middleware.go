package fleetserver

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
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

// contentPolicy lets the page load what this control plane serves, and nothing
// else: no inline script or style, no frame, no other origin.
const contentPolicy = "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-src 'none'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// harden sets the headers that every reply has, refusals included.
func harden(next http.Handler) http.Handler {
	type field struct {
		name   string // canonical
		values []string
	}
	// Replies share the values: a header is only ever set anew or added to, and
	// there is no room behind them to add anything in place.
	fields := []field{
		{"Server", []string{"argus-fleet"}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"Content-Security-Policy", []string{contentPolicy}},
		{"Cache-Control", []string{"private, no-cache"}},
		{"Vary", []string{"Authorization, Cookie, Accept-Encoding"}},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for _, f := range fields {
			header[f.name] = f.values
		}
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

// limitReads applies the read limit to routes of that class, and to requests
// without a route, but for those that need no credential: they would use up what
// others of their address may read.
func (s *Server) limitReads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r)
		limited := x.route != nil && x.route.class == rateRead ||
			x.route == nil && s.routes.permission(r.URL.Path) != permitOpen
		if limited && !s.readLimit.allow(x.caller.Remote) {
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
