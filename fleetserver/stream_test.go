package fleetserver

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/access"
)

// watch is an open stream.
type watch struct {
	t      *testing.T
	status int
	lines  *bufio.Scanner
	close  func()
}

// openStream opens a stream and closes it when the test ends.
func (p *plane) openStream(as string, headers ...string) *watch {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	request, err := http.NewRequestWithContext(ctx, get, p.url+fleetapi.PathStream, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if as != "" {
		request.Header["Authorization"] = []string{"Bearer " + tokens[as]}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // the clean-up closes it
	if err != nil {
		p.t.Fatal(err)
	}
	w := &watch{t: p.t, status: response.StatusCode, lines: bufio.NewScanner(response.Body)}
	w.lines.Buffer(nil, 1<<20)
	w.close = func() { cancel(); response.Body.Close() }
	p.t.Cleanup(w.close)
	return w
}

// message is one server-sent event.
type message struct{ id, event, data string }

// next reads a message; ok is false at the end of the stream.
func (w *watch) next() (m message, ok bool) {
	w.t.Helper()
	for w.lines.Scan() {
		name, value, _ := strings.Cut(w.lines.Text(), ": ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data = value
		case "":
			if m.event != "" {
				return m, true
			}
		}
	}
	return m, false
}

// expect reads a message of a kind into a value and returns its id.
func (w *watch) expect(event string, into any) string {
	w.t.Helper()
	m, ok := w.next()
	if !ok || m.event != event {
		w.t.Fatalf("message %+v (%v), want a %s", m, ok, event)
	}
	if err := json.Unmarshal([]byte(m.data), into); err != nil {
		w.t.Fatalf("%v in %s", err, m.data)
	}
	return m.id
}

func TestAStreamBeginsWithTheViewAndGoesOnWithChanges(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.join("b", "asia")
	w := p.openStream("viewer")
	var view fleetapi.View
	w.expect(fleetapi.StreamReset, &view)
	if diff := cmp.Diff(p.view(), view); diff != "" {
		t.Fatalf("the first message is not the view (-want +got)\n%s", diff)
	}
	p.clock.advance(time.Second)
	p.beat("b", "", snapshot(map[string]float64{"guilds": 3}))
	after := p.view()
	want := fleetapi.Delta{
		GeneratedAt: after.GeneratedAt, Global: fleetapi.Metrics{Guilds: 3},
		Fleets:   []fleetapi.FleetSummary{{Name: "asia", ClustersUp: 2, ClustersTotal: 2, Rollup: fleetapi.Metrics{Guilds: 3}}},
		Clusters: []fleetapi.Cluster{after.Fleets[0].Clusters[1]}, Removed: []string{}, Events: []fleetapi.Event{},
	}
	var delta fleetapi.Delta
	w.expect(fleetapi.StreamChange, &delta)
	if diff := cmp.Diff(want, delta); diff != "" {
		t.Errorf("after a beat of b (-want +got)\n%s", diff)
	}
	p.ask("DELETE", "/api/admin/cluster?identity=a&force=1", "admin", "")
	var retired fleetapi.Delta
	w.expect(fleetapi.StreamChange, &retired)
	if fmt.Sprint(retired.Removed) != "[a]" || len(retired.Events) != 1 || retired.Events[0].Kind != fleetapi.EventRetired {
		t.Errorf("after a was retired: %+v", retired)
	}
}

func TestAViewerGoesOnWhereItWasOrStartsAnew(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	first := p.openStream("viewer")
	var view fleetapi.View
	var delta fleetapi.Delta
	reset := first.expect(fleetapi.StreamReset, &view)
	ids := []string{reset}
	for i := range 2 {
		p.beat("a", "", snapshot(map[string]float64{"guilds": float64(i)}))
		p.clock.advance(time.Second)
		ids = append(ids, first.expect(fleetapi.StreamChange, &delta))
	}
	first.close() // nobody watches for a moment
	back := p.openStream("viewer", "Last-Event-ID", ids[0])
	for _, want := range ids[1:] {
		if got := back.expect(fleetapi.StreamChange, &delta); got != want {
			t.Errorf("replayed %s, want %s", got, want)
		}
	}
	for name, id := range map[string]string{"another process": "other-1", "rubbish": "x", "the future": p.server.boot + "-999", "long ago": p.server.boot + "--5"} {
		if m, ok := p.openStream("viewer", "Last-Event-ID", id).next(); !ok || m.event != fleetapi.StreamReset {
			t.Errorf("after an id of %s: %+v", name, m)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	p := newPlane(t)
	for range maxAddressStreams {
		if got := p.openStream("viewer").status; got != 200 {
			t.Fatalf("%d", got)
		}
	}
	if got := p.openStream("viewer").status; got != 503 {
		t.Errorf("one stream more from an address: %d, want 503", got)
	}
	for i := maxAddressStreams; i < maxStreams; i++ {
		if _, err := p.server.hub.join(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), ""); err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
	}
	if _, err := p.server.hub.join(netip.MustParseAddr("10.9.9.9"), ""); err == nil {
		t.Error("there is no bound on all streams")
	}
}

func TestAStreamEndsWithItsCredential(t *testing.T) {
	file := filepath.Join(t.TempDir(), "viewer-token")
	config := configOf(t)
	config.ViewerToken = access.Secret{Value: tokens["rotated-out"], File: file}
	p := startPlane(t, config, newClock())
	p.server.streamBeat = 10 * time.Millisecond
	w := p.openStream("rotated-out")
	var view fleetapi.View
	w.expect(fleetapi.StreamReset, &view)
	if err := os.WriteFile(file, []byte(tokens["viewer"]), 0o600); err != nil {
		t.Fatal(err)
	}
	p.server.keyring.Reload()
	started := time.Now()
	if m, ok := w.next(); ok {
		t.Errorf("it goes on with %+v", m)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it went on for %v", took)
	}
}

func TestAStreamEndsWhenTheControlPlaneStops(t *testing.T) {
	r := startRunning(t, configOf(t))
	w := r.openStream("viewer")
	var view fleetapi.View
	w.expect(fleetapi.StreamReset, &view)
	started := time.Now()
	r.stop()
	if m, ok := w.next(); ok {
		t.Errorf("it goes on with %+v", m)
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

func TestTheHubRestsWhenNobodyWatches(t *testing.T) {
	p := newPlane(t)
	hub := p.server.hub
	hub.patience, hub.gap = 0, time.Millisecond
	v, err := hub.join(netip.MustParseAddr("10.0.0.1"), "")
	if err != nil {
		t.Fatal(err)
	}
	hub.leave(v)
	hub.leave(v)
	waitFor(t, "the rest", func() bool { hub.mu.Lock(); defer hub.mu.Unlock(); return hub.stop == nil })
	if hub.last.body != nil || hub.recent != nil || hub.reset.wire != nil {
		t.Error("it keeps views and frames that nobody will ask for")
	}
	if _, err := hub.join(netip.MustParseAddr("10.0.0.1"), ""); err != nil {
		t.Errorf("after a rest: %v", err)
	}
}

func TestAViewerThatLagsIsLetGo(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.server.hub.gap = time.Hour
	v, err := p.server.hub.join(netip.MustParseAddr("10.0.0.1"), "")
	if err != nil {
		t.Fatal(err)
	}
	for range pendingFrames + 2 {
		p.clock.advance(time.Second)
		p.beat("a", "", "")
		p.server.hub.publishFor(p.server.hub.stop)
	}
	frames := 0
	for range v.frames {
		frames++
	}
	if frames != pendingFrames+1 {
		t.Errorf("%d frames before the end, want the reset and %d", frames, pendingFrames)
	}
}

func TestAClusterThatGoesDownIsToldThoughTheViewHasShownItAlready(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.server.hub.gap = time.Hour
	v, err := p.server.hub.join(netip.MustParseAddr("10.0.0.1"), "")
	if err != nil {
		t.Fatal(err)
	}
	p.clock.advance(time.Minute)
	p.server.hub.publishFor(p.server.hub.stop) // it is down, and the sweeper has not come by
	p.server.sweep(t.Context())
	p.server.hub.publishFor(p.server.hub.stop)
	p.server.hub.leave(v)
	var frames bytes.Buffer
	for f := range v.frames {
		frames.Write(f.wire)
	}
	told := frames.String()
	if strings.Count(told, `"kind":"down","identity":"a"`) != 1 {
		t.Errorf("the frames do not tell once that it went down:\n%s", told)
	}
}

func TestAResetIsMadeOnceForAllWhoJoin(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.server.hub.gap = time.Hour
	first := func(host string) []byte {
		t.Helper()
		v, err := p.server.hub.join(netip.MustParseAddr(host), "")
		if err != nil {
			t.Fatal(err)
		}
		return (<-v.frames).wire
	}
	a, b := first("10.0.0.1"), first("10.0.0.2")
	if &a[0] != &b[0] {
		t.Error("two resets were made of one view")
	}
	p.clock.advance(time.Second)
	p.beat("a", "", snapshot(map[string]float64{"guilds": 7}))
	p.server.hub.publishFor(p.server.hub.stop)
	if c := string(first("10.0.0.3")); !strings.Contains(c, `"guilds":7`) {
		t.Errorf("a reset after a change is of before it: %s", c)
	}
}

func TestAStreamThatHasMissedNothingOpensAtOnce(t *testing.T) {
	p := newPlane(t)
	p.server.hub.gap = time.Hour
	first := p.openStream("viewer")
	var view fleetapi.View
	id := first.expect(fleetapi.StreamReset, &view)
	started := time.Now()
	if got := p.openStream("viewer", "Last-Event-ID", id).status; got != 200 {
		t.Errorf("%d", got)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("the headers took %s", took)
	}
}

// TestWorkThatWasStoppedPublishesNothing has the work of a hub that rested end
// late, with a view from before somebody joined anew.
func TestWorkThatWasStoppedPublishesNothing(t *testing.T) {
	now := viewSnapshot{rendered: rendered{etag: "old", body: []byte("{}")}}
	h := newHub("boot", time.Hour, func() (viewSnapshot, error) { return now, nil }, newEventLog(time.Now), new(compressor).deflate)
	defer h.close()
	join := func() *viewer {
		t.Helper()
		v, err := h.join(netip.MustParseAddr("10.0.0.1"), "")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	h.leave(join())
	h.mu.Lock()
	stopped := h.stop
	h.rest()
	h.mu.Unlock()
	now.etag = "new"
	v := join()
	now.etag = "old"
	h.publishFor(stopped)
	if got := len(v.frames); got != 1 {
		t.Errorf("%d frames, want the reset alone", got)
	}
	now.etag = "newer"
	h.publishFor(h.stop)
	if got := len(v.frames); got != 2 {
		t.Errorf("%d frames after a change, want 2", got)
	}
}

// openPacked opens a stream and leaves the decoding to itself. It tells what has
// come over the wire, too.
func (p *plane) openPacked(accept string) (w *watch, sent *counted, encoding string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	p.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, get, p.url+fleetapi.PathStream, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tokens["viewer"])
	request.Header.Set("Accept-Encoding", accept) // so that net/http neither asks nor decodes
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { response.Body.Close() })
	sent = &counted{Reader: response.Body}
	body, encoding := io.Reader(sent), response.Header.Get("Content-Encoding")
	if encoding == "gzip" {
		unpacked, err := gzip.NewReader(sent)
		if err != nil {
			p.t.Fatal(err)
		}
		unpacked.Multistream(false) // browsers read the first member only
		body = unpacked
	}
	w = &watch{t: p.t, lines: bufio.NewScanner(body)}
	w.lines.Buffer(nil, 1<<20)
	return w, sent, encoding
}

// TestAStreamIsCompressedForThoseWhoAccept reads each message before the next is
// sent: none may wait in a compressor. The end of the stream has to be whole too.
func TestAStreamIsCompressedForThoseWhoAccept(t *testing.T) {
	for accept, want := range map[string]string{"gzip": "gzip", "gzip, deflate, br": "gzip", "identity": "", "gzip;q=0": ""} {
		t.Run(accept, func(t *testing.T) {
			p := newPlane(t)
			for i := range 200 {
				p.join(fmt.Sprint("bot-", i), "asia")
			}
			w, sent, encoding := p.openPacked(accept)
			if encoding != want {
				t.Fatalf("encoded as %q, want %q", encoding, want)
			}
			var view fleetapi.View
			w.expect(fleetapi.StreamReset, &view)
			if diff := cmp.Diff(p.view(), view); diff != "" {
				t.Errorf("the first message is not the view (-want +got)\n%s", diff)
			}
			size := len(p.ask(get, fleetapi.PathView, "viewer", "").body)
			if small := sent.bytes < size/4; small != (want == "gzip") {
				t.Errorf("%d bytes were sent for a view of %d", sent.bytes, size)
			}
			for i := range 3 {
				p.clock.advance(time.Second)
				p.beat("bot-7", "", snapshot(map[string]float64{"guilds": float64(i)}))
				var delta fleetapi.Delta
				w.expect(fleetapi.StreamChange, &delta)
				if len(delta.Clusters) != 1 || delta.Clusters[0].Metrics.Guilds != float64(i) {
					t.Errorf("change %d tells of %+v", i, delta.Clusters)
				}
			}
			p.server.hub.close()
			if m, ok := w.next(); ok || w.lines.Err() != nil {
				t.Errorf("it ends with %+v and %v", m, w.lines.Err())
			}
		})
	}
}

// counted counts what is read.
type counted struct {
	io.Reader
	bytes int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes += n
	return n, err
}

func TestAFrameIsCompressedOnceForAllViewers(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	p.server.hub.gap = time.Hour
	var viewers []*viewer
	for i := range 2 {
		v, err := p.server.hub.join(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), "")
		if err != nil {
			t.Fatal(err)
		}
		viewers = append(viewers, v)
	}
	p.clock.advance(time.Second)
	p.beat("a", "", "")
	p.server.hub.publishFor(p.server.hub.stop)
	for _, what := range []string{"reset", "change"} {
		a, b := (<-viewers[0].frames).packed(), (<-viewers[1].frames).packed()
		if &a[0] != &b[0] {
			t.Errorf("the %s was compressed twice", what)
		}
	}
}

func TestWhateverAViewShowsOfAClusterIsAChange(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	shards := func(latency float64) []fleetapi.Shard {
		return []fleetapi.Shard{{ID: "0", Status: fleetapi.StatusUp, LatencySeconds: latency}}
	}
	cluster := func() fleetapi.Cluster {
		return fleetapi.Cluster{Identity: "a", LastSeen: at, ValuesAt: &at, Shards: shards(1), Missing: []string{"guilds"}}
	}
	for name, tc := range map[string]struct {
		change func(*fleetapi.Cluster)
		want   bool
	}{
		"nothing":                {func(*fleetapi.Cluster) {}, false},
		"when it was seen":       {func(c *fleetapi.Cluster) { c.LastSeen = at.Add(time.Second) }, true},
		"when values came":       {func(c *fleetapi.Cluster) { c.ValuesAt = nil }, true},
		"a value":                {func(c *fleetapi.Cluster) { c.Metrics.Guilds = 1 }, true},
		"a body that is too big": {func(c *fleetapi.Cluster) { c.Oversized = true }, true},
		"a shard's latency":      {func(c *fleetapi.Cluster) { c.Shards = shards(2) }, true},
		"one shard more":         {func(c *fleetapi.Cluster) { c.Shards = append(c.Shards, c.Shards[0]) }, true},
		"all is known":           {func(c *fleetapi.Cluster) { c.Missing = nil }, true},
		"something else unknown": {func(c *fleetapi.Cluster) { c.Missing = []string{"uptime_seconds"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := cluster(), cluster()
			tc.change(&after)
			if got := changed(before, after); got != tc.want {
				t.Errorf("changed: %v, want %v", got, tc.want)
			}
		})
	}
}
