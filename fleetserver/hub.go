package fleetserver

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	maxStreams        = 256
	maxAddressStreams = 16
	// replayFrames is how many frames a viewer may have missed and still go on
	// where it was.
	replayFrames = 64
	// replayBytes bounds what those frames hold together.
	replayBytes = 32 << 20
	// pendingFrames is how far a viewer may lag behind before it is let go; it
	// comes back with the id of the last frame that it has.
	pendingFrames = 8
	// leastFrameGap bounds how often frames are made, whatever the view window is.
	leastFrameGap = 250 * time.Millisecond
	// hubPatience is how long frames are made after the last viewer has gone.
	hubPatience = time.Minute
)

// frame is one encoded server-sent event, shared by all viewers.
type frame struct {
	seq  int
	wire []byte
	// packed returns it deflated, for those who accept that; made for the first of them.
	packed func() []byte
}

// hub turns changes of the view into frames and hands them to the viewers. It
// works while somebody watches, and a little longer, for those who come back.
type hub struct {
	boot string
	gap  time.Duration
	// patience is hubPatience but in tests.
	patience time.Duration
	view     func() (viewSnapshot, error)
	events   *eventLog
	deflate  func([]byte) []byte
	// opening and still are comments: a stream begins, and goes on, with one.
	opening, still frame

	mu      sync.Mutex
	viewers map[*viewer]struct{}
	byHost  map[netip.Addr]int
	closed  bool
	// stop ends the goroutine that makes frames; nil while none runs.
	stop       chan struct{}
	done       sync.WaitGroup
	emptySince time.Time

	// The state of the frames made so far.
	seq      int
	last     viewSnapshot
	told     int // events
	recent   []frame
	prepared bool
	// reset is the first frame of whoever joins now, made for the first of them.
	reset frame
}

// viewer is one open stream. frames is closed when it must end.
type viewer struct {
	host   netip.Addr
	frames chan frame
}

func newHub(boot string, window time.Duration, view func() (viewSnapshot, error), events *eventLog, deflate func([]byte) []byte) *hub {
	h := &hub{
		boot: boot, gap: max(window, leastFrameGap), patience: hubPatience, view: view, events: events, deflate: deflate,
		viewers: map[*viewer]struct{}{}, byHost: map[netip.Addr]int{},
	}
	h.opening, h.still = h.pack(0, []byte(":\n\n")), h.pack(0, []byte(": still here\n\n"))
	return h
}

// join opens a stream. Its first frames are those after lastID, if they are
// still there, and else a reset. It fails with errStreams.
func (h *hub) join(host netip.Addr, lastID string) (*viewer, error) {
	host = limitKey(host)
	if !h.room(host) {
		return nil, errStreams // before a view is built for nobody
	}
	_, told := h.events.since(0)
	view, err := h.view() // not under the lock: it may wait for Prometheus
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.roomLocked(host) {
		return nil, errStreams
	}
	if !h.prepared {
		h.prepare(view, told)
	}
	first := h.catchUp(lastID)
	v := &viewer{host: host, frames: make(chan frame, len(first)+pendingFrames)}
	for _, f := range first {
		v.frames <- f
	}
	h.viewers[v] = struct{}{}
	h.byHost[host]++
	if h.stop == nil {
		h.stop = make(chan struct{})
		stop := h.stop
		h.done.Go(func() { h.work(stop) })
	}
	return v, nil
}

func (h *hub) room(host netip.Addr) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.roomLocked(host)
}

func (h *hub) roomLocked(host netip.Addr) bool {
	return !h.closed && len(h.viewers) < maxStreams && h.byHost[host] < maxAddressStreams
}

// prepare takes the view that the next frame is compared with, and how many
// events there were before it. What happened while nobody watched is in no
// frame, so older ids are forgotten.
func (h *hub) prepare(view viewSnapshot, told int) {
	h.last, h.told, h.recent, h.prepared = view, told, nil, true
	h.seq++
	h.reset = frame{}
}

func (h *hub) catchUp(lastID string) []frame {
	boot, number, _ := strings.Cut(lastID, "-")
	seq, err := strconv.Atoi(number)
	if err == nil && boot == h.boot && seq <= h.seq && seq >= h.seq-len(h.recent) {
		return h.recent[len(h.recent)-(h.seq-seq):]
	}
	if h.reset.wire == nil {
		h.reset = h.resetFrame()
	}
	return []frame{h.reset}
}

// resetFrame is made of a view that is encoded already, and compressed as soon
// as anybody wants it so: neither is done again.
func (h *hub) resetFrame() frame {
	body, deflated := h.last.body, h.last.deflated
	f := h.frame(fleetapi.StreamReset, body)
	end := len(f.wire) - len(frameEnd)
	f.packed = sync.OnceValue(func() []byte {
		return slices.Concat(h.deflate(f.wire[:end-len(body)]), deflated(), h.deflate(f.wire[end:]))
	})
	return f
}

const frameEnd = "\n\n"

// frame wraps JSON, which must be of one line.
func (h *hub) frame(event string, data []byte) frame {
	return h.pack(h.seq, fmt.Appendf(nil, "id: %s-%d\nevent: %s\ndata: %s%s", h.boot, h.seq, event, data, frameEnd))
}

func (h *hub) pack(seq int, wire []byte) frame {
	return frame{seq, wire, sync.OnceValue(func() []byte { return h.deflate(wire) })}
}

// leave closes a stream.
func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(v)
}

func (h *hub) drop(v *viewer) {
	if _, ok := h.viewers[v]; !ok {
		return
	}
	delete(h.viewers, v)
	close(v.frames)
	if h.byHost[v.host]--; h.byHost[v.host] == 0 {
		delete(h.byHost, v.host)
	}
	if len(h.viewers) == 0 {
		h.emptySince = time.Now()
	}
}

// close ends all streams and waits for the work to end.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for v := range h.viewers {
		h.drop(v)
	}
	h.rest()
	h.mu.Unlock()
	h.done.Wait()
}

func (h *hub) work(stop <-chan struct{}) {
	ticker := time.NewTicker(h.gap)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			h.publishFor(stop)
			h.restIfAlone()
		}
	}
}

// restIfAlone stops the work when nobody has watched for a while.
func (h *hub) restIfAlone() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.viewers) == 0 && time.Since(h.emptySince) > h.patience {
		h.rest()
	}
}

func (h *hub) rest() {
	if h.stop != nil {
		close(h.stop)
		h.stop, h.prepared = nil, false
		h.last, h.recent, h.reset = viewSnapshot{}, nil, frame{} // tens of megabytes, in a large fleet
	}
}

// remember keeps a frame for those who come back, and as many of those before
// it as there is room for.
func (h *hub) remember(f frame) {
	h.recent = append(h.recent, f)
	size, kept := 0, 0
	for _, recent := range slices.Backward(h.recent) {
		if size += len(recent.wire); size > replayBytes || kept == replayFrames {
			break
		}
		kept++
	}
	h.recent = slices.Delete(h.recent, 0, len(h.recent)-kept)
}

// publishFor makes a frame of what changed and hands it to everybody. A viewer
// that lags is let go. Work that has been stopped makes none: meanwhile viewers
// may have joined with a view that is newer than its own.
func (h *hub) publishFor(stop <-chan struct{}) {
	view, err := h.view()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil || h.stop != stop || !h.prepared || view.etag == h.last.etag {
		return
	}
	delta := deltaOf(h.last.view, view.view)
	delta.Events, h.told = h.events.since(h.told)
	h.last = view
	h.seq++
	h.reset = frame{}
	encoded, err := json.Marshal(delta)
	if err != nil {
		return
	}
	f := h.frame(fleetapi.StreamChange, encoded)
	h.remember(f)
	for v := range h.viewers {
		select {
		case v.frames <- f:
		default:
			h.drop(v)
		}
	}
}
