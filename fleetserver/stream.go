package fleetserver

import (
	"net/http"
	"time"
)

const (
	// streamWrite bounds one write to a viewer.
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
	// Headers go out at once, also to a viewer that has missed nothing.
	if err := send(w, []byte(":\n\n")); err != nil {
		return nil // the viewer has gone, and nobody is left to tell
	}
	beat := time.NewTicker(s.streamBeat)
	defer beat.Stop()
	for {
		wire := []byte(": still here\n\n")
		select {
		case <-r.Context().Done():
			return nil
		case f, open := <-viewer.frames:
			if !open {
				return nil
			}
			wire = f.wire
		case <-beat.C:
		}
		if _, ok := s.permitted(permitViewer, r); !ok || send(w, wire) != nil {
			return nil
		}
	}
}

func send(w http.ResponseWriter, wire []byte) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	if _, err := w.Write(wire); err != nil {
		return err
	}
	return control.Flush()
}
