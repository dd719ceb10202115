package controllers

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	// firstPause follows the first read that fails.
	firstPause = time.Second
	// maxPause between reads of a control plane that does not answer.
	maxPause = time.Minute
	// idlePeer is how long a control plane is remembered that nobody asks for.
	idlePeer = 10 * time.Minute
	// maxReads that run at once.
	maxReads = 64
	// maxStatusBytes fits the 100,000 clusters that one control plane may know.
	maxStatusBytes = 32 << 20
	// wakeBuffer is how many woken askers may wait to be queued.
	wakeBuffer = 1024
)

// FleetPoller reads control planes over HTTP in the background: one read of each at
// a time, shared by all who ask.
type FleetPoller struct {
	secrets client.Reader
	metrics *Metrics
	now     func() time.Time
	guarded bool
	wake    map[string]chan event.GenericEvent
	slots   chan struct{}

	mu      sync.Mutex
	peers   map[FleetSource]*fleetPeer
	running context.Context //nolint:containedctx // the life of the runnable, which reads outlast a call in
	reads   sync.WaitGroup
}

// fleetPeer is one control plane. The poller's lock guards its fields; the read in
// flight owns the client.
type fleetPeer struct {
	client   *fleetapi.Client
	token    string
	answer   FleetAnswer
	askers   map[Asker]time.Time
	reading  bool
	failures int
	next     time.Time
}

// NewFleetPoller returns a poller that finds viewer tokens through secrets. A
// guarded one refuses addresses of the operator's own host and link.
func NewFleetPoller(secrets client.Reader, metrics *Metrics, now func() time.Time, guarded bool) *FleetPoller {
	return &FleetPoller{
		secrets: secrets, metrics: metrics, now: now, guarded: guarded,
		wake: map[string]chan event.GenericEvent{
			v1alpha1.KindArgusFleet: make(chan event.GenericEvent, wakeBuffer),
			v1alpha1.KindArgusBot:   make(chan event.GenericEvent, wakeBuffer),
		},
		slots: make(chan struct{}, maxReads),
		peers: map[FleetSource]*fleetPeer{},
	}
}

// Woken is where the objects of a kind come out whose answer has changed.
func (p *FleetPoller) Woken(kind string) <-chan event.GenericEvent { return p.wake[kind] }

// Start lets reads happen until the context ends, and waits for those in flight.
func (p *FleetPoller) Start(ctx context.Context) error {
	p.mu.Lock()
	p.running = ctx
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	p.running = nil
	p.mu.Unlock()
	p.reads.Wait()
	return nil
}

// Answer implements Fleets.
func (p *FleetPoller) Answer(source FleetSource, interval time.Duration, asker Asker) FleetAnswer {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.forgetIdle(now)
	peer, ok := p.peers[source]
	if !ok {
		peer = &fleetPeer{askers: map[Asker]time.Time{}}
		p.peers[source] = peer
	}
	peer.askers[asker] = now
	// A shorter interval than the last asker's takes effect at once.
	if soon := now.Add(interval); peer.failures == 0 && peer.next.After(soon) {
		peer.next = soon
	}
	if p.running != nil && !peer.reading && !now.Before(peer.next) {
		peer.reading = true
		p.reads.Go(func() { p.read(source, peer, interval) })
	}
	return peer.answer
}

// forgetIdle drops askers and control planes that nobody asked for lately.
func (p *FleetPoller) forgetIdle(now time.Time) {
	for source, peer := range p.peers {
		for asker, at := range peer.askers {
			if now.Sub(at) > idlePeer {
				delete(peer.askers, asker)
			}
		}
		if len(peer.askers) == 0 && !peer.reading {
			if peer.client != nil {
				peer.client.Close()
			}
			delete(p.peers, source)
		}
	}
}

// read asks a control plane once and wakes the askers if the answer is another one.
func (p *FleetPoller) read(source FleetSource, peer *fleetPeer, interval time.Duration) {
	ctx := p.life()
	if ctx == nil {
		return
	}
	p.slots <- struct{}{}
	status, err := p.ask(ctx, source, peer)
	<-p.slots
	p.metrics.asked(err)
	if err != nil {
		ctrl.Log.WithName("fleets").V(1).Info("control plane cannot be read", "url", source.URL, "cause", causeOf(err).Error())
	}
	for _, asker := range p.conclude(peer, status, err, interval) {
		woken := event.GenericEvent{Object: objectOf(asker)}
		select {
		case p.wake[asker.Kind] <- woken:
		case <-ctx.Done():
			return
		}
	}
}

func (p *FleetPoller) life() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// conclude stores the outcome of a read and returns whom to wake.
func (p *FleetPoller) conclude(peer *fleetPeer, status fleetapi.Status, err error, interval time.Duration) []Asker {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := peer.answer
	peer.reading = false
	if err != nil {
		peer.failures++
		peer.answer = FleetAnswer{Asked: true, Err: stable(err)}
	} else {
		peer.failures = 0
		peer.answer = FleetAnswer{Asked: true, Status: &status}
	}
	peer.next = p.now().Add(pause(interval, peer.failures))
	if sameAnswer(before, peer.answer) {
		return nil
	}
	askers := make([]Asker, 0, len(peer.askers))
	for asker := range peer.askers {
		askers = append(askers, asker)
	}
	return askers
}

// pause is one interval, and after failures a second that doubles to a minute: a
// control plane that is just starting is found soon, a dead one is left in peace.
func pause(interval time.Duration, failures int) time.Duration {
	if failures == 0 {
		return interval
	}
	return min(firstPause<<min(failures-1, 10), maxPause)
}

func sameAnswer(a, b FleetAnswer) bool {
	if a.Asked != b.Asked || (a.Err == nil) != (b.Err == nil) {
		return false
	}
	if a.Err != nil {
		return a.Err.Error() == b.Err.Error()
	}
	return reflect.DeepEqual(a.Status, b.Status)
}

func objectOf(asker Asker) client.Object {
	meta := metav1.ObjectMeta{Namespace: asker.Namespace, Name: asker.Name}
	if asker.Kind == v1alpha1.KindArgusFleet {
		return &v1alpha1.ArgusFleet{ObjectMeta: meta}
	}
	return &v1alpha1.ArgusBot{ObjectMeta: meta}
}

// responseBound trusts the control planes that this operator runs, which are read
// whole, with more than those of others, of which only some identities are read.
func responseBound(source FleetSource) int64 {
	if source.Prefix == "" {
		return maxStatusBytes
	}
	return 0 // the client's own
}

// ask makes one request. The token is kept until the control plane refuses it, so
// that a rotated one is read again.
func (p *FleetPoller) ask(ctx context.Context, source FleetSource, peer *fleetPeer) (fleetapi.Status, error) {
	if peer.client == nil {
		c, err := fleetapi.NewClient(source.URL, fleetapi.ClientOptions{
			Token: func() (string, error) { return peer.token, nil }, Guarded: p.guarded, MaxResponseBytes: responseBound(source),
		})
		if err != nil {
			return fleetapi.Status{}, &askError{message: err.Error(), cause: err}
		}
		peer.client = c
	}
	if peer.token == "" {
		token, err := viewerToken(ctx, p.secrets, source)
		if err != nil {
			return fleetapi.Status{}, err
		}
		peer.token = token
	}
	status, err := peer.client.Status(ctx, source.Prefix)
	if refused, ok := errors.AsType[*fleetapi.StatusError](err); ok {
		if refused.Code == http.StatusUnauthorized {
			peer.token = ""
		}
		return status, &askError{message: refused.Error(), cause: err}
	}
	if err != nil {
		return status, &askError{message: "no usable answer from " + source.URL, cause: err}
	}
	return status, nil
}
