//go:build apiserver

package apiserver

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/argus-dev/argus-operator/internal/manifests"
)

// operatorSetup is what a test may change of the operator by starting it again.
type operatorSetup struct {
	clock *offsetClock
	// forms of pods that it can make; nil for those of this build.
	forms []manifests.Form
	// life ends the operator after some writes; nil for never.
	life *lifetime
	// pods may be told of late; nil for at once.
	pods *heldWatch
}

// offsetClock is the operator's, which a test may set.
type offsetClock struct{ offset atomic.Int64 }

func (c *offsetClock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// setClock puts the operator's clock off, for the rest of the test. Tests that run at
// the same time would see it: none of them may be parallel.
func (w *world) setClock(offset time.Duration) {
	w.Helper()
	operator.setup.clock.offset.Store(int64(offset))
	w.Cleanup(func() { operator.setup.clock.offset.Store(0) })
}

// restart stops the operator and starts another one, with another setup if alter is
// given, which lasts until the test ends.
func (w *world) restart(alter func(*operatorSetup)) {
	w.Helper()
	before := operator.setup
	if alter != nil {
		alter(&operator.setup)
		w.Cleanup(func() {
			operator.setup = before
			w.restart(nil)
		})
	}
	restarted, err := operator.restart()
	if err != nil {
		w.Fatal(err)
	}
	operator = restarted
}

// while runs away from the operator: it is stopped before and started again after.
func (w *world) whileStopped(happens func()) {
	w.Helper()
	operator.stop()
	happens()
	restarted, err := startOperator(operator.parent, operator.fleets, operator.setup)
	if err != nil {
		w.Fatal(err)
	}
	operator = restarted
}

var errCut = errors.New("the operator is dead")

// lifetime kills an operator: after so many writes to a namespace nothing that it
// sends arrives any more.
type lifetime struct {
	namespace string
	// writes that succeed. lost: one more is carried out, of which it never hears.
	writes int
	lost   bool

	mu   sync.Mutex
	made int
	dead bool
}

func (l *lifetime) wrap(next http.RoundTripper) http.RoundTripper {
	if l == nil {
		return next
	}
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		deliver, answer := l.judge(request)
		if !deliver {
			return nil, errCut
		}
		response, err := next.RoundTrip(request)
		if err == nil && !answer {
			return nil, errors.Join(errCut, response.Body.Close())
		}
		return response, err
	})
}

// judge tells whether a request arrives, and whether its answer does.
func (l *lifetime) judge(request *http.Request) (deliver, answer bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := request.URL.Path
	counts := request.Method != http.MethodGet && strings.Contains(path, "/namespaces/"+l.namespace+"/") && !strings.Contains(path, "/events")
	if l.dead {
		return false, false
	}
	if !counts {
		return true, true
	}
	l.made++
	if l.made <= l.writes {
		return true, true
	}
	l.dead = true
	return l.lost, false
}

// ended tells whether the operator is dead.
func (l *lifetime) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// heldWatch holds back what the watches of a resource tell, while it is held.
type heldWatch struct {
	resource string
	mu       sync.Mutex
}

func (h *heldWatch) wrap(next http.RoundTripper) http.RoundTripper {
	if h == nil {
		return next
	}
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err == nil && path.Base(request.URL.Path) == h.resource && request.URL.Query().Get("watch") != "" {
			response.Body = &heldBody{response.Body, h}
		}
		return response, err
	})
}

type heldBody struct {
	io.ReadCloser
	held *heldWatch
}

func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.held.mu.Lock()
	defer b.held.mu.Unlock()
	return n, err
}
