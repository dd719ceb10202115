package fleetserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// handler answers a request or says why not.
type handler func(http.ResponseWriter, *http.Request, Caller) error

// endpoint joins a decoder and a handler into a route's handler. A response is
// written as JSON unless it writes itself.
func endpoint[Req, Resp any](decode func(*http.Request) (Req, error), serve func(context.Context, Caller, Req) (Resp, error)) handler {
	return func(w http.ResponseWriter, r *http.Request, caller Caller) error {
		request, err := decode(r)
		if err != nil {
			return err
		}
		response, err := serve(r.Context(), caller, request)
		if err != nil {
			return err
		}
		return respond(w, r, response)
	}
}

// none is the request of a route that takes none.
type none struct{}

func noRequest(*http.Request) (none, error) { return none{}, nil }

// writer is a response that is no plain JSON object.
type writer interface {
	writeTo(http.ResponseWriter, *http.Request)
}

func respond(w http.ResponseWriter, r *http.Request, response any) error {
	if self, ok := response.(writer); ok {
		self.writeTo(w, r)
		return nil
	}
	body, err := json.Marshal(response)
	if err != nil {
		return fmt.Errorf("encoding the reply: %w", err)
	}
	rendered{body: body}.writeTo(w, r)
	return nil
}

// text is a reply of one line.
type text struct {
	status int
	line   string
}

func (t text) writeTo(w http.ResponseWriter, _ *http.Request) { writeText(w, t.status, t.line) }

func writeText(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(line)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line)
}

// noContent is a reply without a body.
type noContent struct{}

func (noContent) writeTo(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// rendered is encoded JSON. With an etag a client that has it already gets 304.
type rendered struct {
	body []byte
	// compressed returns the body in gzip; nil when it is not worth it.
	compressed func() []byte
	etag       string
}

func (d rendered) writeTo(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if d.etag != "" {
		header.Set("ETag", d.etag)
		if etagMatches(r.Header.Get("If-None-Match"), d.etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := d.body
	if d.compressed != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if packed := d.compressed(); packed != nil {
			header.Set("Content-Encoding", "gzip")
			body = packed
		}
	}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	sendAll(w, body)
}

// sendSpan is how much of a reply must get through within one writeTimeout.
const sendSpan = 256 << 10

// sendAll writes to a client for as long as that makes headway: writeTimeout is
// for one span, and not for the whole of a large reply.
func sendAll(w http.ResponseWriter, body []byte) {
	for i, span := range slices.Collect(slices.Chunk(body, sendSpan)) {
		if i > 0 {
			moreTime(w)
		}
		if _, err := w.Write(span); err != nil {
			return // the client has gone
		}
	}
}

func moreTime(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// etagMatches compares weakly, as If-None-Match asks for.
func etagMatches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		quality, ok := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
		value, err := strconv.ParseFloat(quality, 64)
		return !ok || err != nil || value > 0
	}
	return false
}
