package fleetserver

import (
	"net/http"
	"slices"
	"time"
)

const (
	// streamWrite bounds one write to a viewer, of sendSpan at the most.
	streamWrite = 10 * time.Second
	// streamBeat is how often a quiet stream is written to, so that a peer that
	// has gone, and a credential that has, are noticed.
	streamBeat = 15 * time.Second
)

// stream sends the view and then what changes, as server-sent events. It ends
// when the viewer goes or lags, when its credential is no longer accepted, and
// when the control plane stops.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, caller Caller) error {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	viewer, err := s.hub.join(caller.Remote, r.Header.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	defer s.hub.leave(viewer)
	to := newOutlet(w, r)
	// Headers go out at once, also to a viewer that has missed nothing.
	if to.send(s.hub.opening) != nil {
		return nil // the viewer has gone, and nobody is left to tell
	}
	beat := time.NewTicker(s.streamBeat)
	defer beat.Stop()
	for {
		next := s.hub.still
		select {
		case <-r.Context().Done():
			return nil
		case f, open := <-viewer.frames:
			if !open {
				to.end()
				return nil
			}
			next = f
		case <-beat.C:
		}
		if _, ok := s.permitted(permitViewer, r); !ok {
			to.end()
			return nil
		}
		if to.send(next) != nil {
			return nil
		}
	}
}

// outlet writes frames to one viewer: as they are, or in gzip's format if the
// viewer accepts that. All viewers get the same compressed bytes, for frames do
// not refer back to each other; only the sum at the end is each one's own.
type outlet struct {
	w       http.ResponseWriter
	control *http.ResponseController
	gzip    bool
	begun   bool
	sum     gzipSum
}

func newOutlet(w http.ResponseWriter, r *http.Request) *outlet {
	o := &outlet{w: w, control: http.NewResponseController(w), gzip: acceptsGzip(r.Header.Get("Accept-Encoding"))}
	if o.gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	return o
}

func (o *outlet) send(f frame) error {
	if !o.gzip {
		return o.write(f.wire)
	}
	o.sum.add(f.wire)
	if !o.begun {
		o.begun = true
		return o.write([]byte(gzipHead), f.packed())
	}
	return o.write(f.packed())
}

// end completes a stream that was not broken off.
func (o *outlet) end() {
	if o.gzip {
		_ = o.write(o.sum.appendTail(nil)) // the last that the viewer hears
	}
}

// write hands everything to the viewer at once, who may take its time for a
// large frame as long as there is headway.
func (o *outlet) write(pieces ...[]byte) error {
	for _, piece := range pieces {
		for span := range slices.Chunk(piece, sendSpan) {
			if err := o.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
				return err
			}
			if _, err := o.w.Write(span); err != nil {
				return err
			}
		}
	}
	return o.control.Flush()
}
