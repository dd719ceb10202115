package controllers

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net/http"
	"slices"
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
	// readShare and slowestRead: reading takes at most a twentieth of the time, so that a
	// large control plane, or one whose node is overloaded, is not kept busy with telling
	// what it knows; it is read all the same.
	readShare   = 20
	slowestRead = 10 * time.Second
	// An asker is believed to wait for news for so many of its intervals, or for leastInquiry.
	inquiryIntervals = 4
	leastInquiry     = 3 * time.Minute
	// idlePeer is how long a control plane is remembered at least that nobody asks for.
	idlePeer = 10 * time.Minute
	// sweepPeriod is how often the idle are looked for: it takes a look at all.
	sweepPeriod = time.Minute
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

	mu    sync.Mutex
	peers map[FleetSource]*fleetPeer
	// swept is when those that nobody asks for were last forgotten.
	swept time.Time
	// tokens are the viewer tokens as they were read last.
	tokens  map[tokenSource]string
	running context.Context //nolint:containedctx // the life of the runnable, which reads outlast a call in
	reads   sync.WaitGroup
}

// fleetPeer is one control plane. The poller's lock guards its fields; the read in
// flight owns the client.
type fleetPeer struct {
	client   *fleetapi.Client
	answer   FleetAnswer
	askers   map[Asker]inquiry // by who they are
	reading  bool
	failures int
	// took is what the last read took, and next when the next one is due.
	took time.Duration
	next time.Time
	// alarm reads when next has come.
	alarm *time.Timer
}

// inquiry is how an asker has asked last.
type inquiry struct {
	asker    Asker
	at       time.Time
	interval time.Duration
}

// counts tells whether the asker still asks.
func (i inquiry) counts(now time.Time) bool {
	return now.Sub(i.at) <= max(leastInquiry, inquiryIntervals*i.interval)
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
		slots:  make(chan struct{}, maxReads),
		peers:  map[FleetSource]*fleetPeer{},
		tokens: map[tokenSource]string{},
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
		peer = &fleetPeer{askers: map[Asker]inquiry{}}
		p.peers[source] = peer
	}
	peer.askers[asker.who()] = inquiry{asker, now, interval}
	// A shorter interval than the last asker's takes effect at once.
	if soon := now.Add(pause(interval, peer.took, 0)); peer.failures == 0 && peer.next.After(soon) {
		peer.next = soon
		p.setAlarm(source, peer)
	}
	p.readIfDue(source, peer)
	return peer.answer
}

// readIfDue starts a read whose time has come.
func (p *FleetPoller) readIfDue(source FleetSource, peer *fleetPeer) {
	if p.running != nil && !peer.reading && !p.now().Before(peer.next) {
		peer.reading = true
		p.reads.Go(func() { p.read(source, peer) })
	}
}

// setAlarm has the control plane read when it is due, as long as somebody asks: the
// askers need not come for that.
func (p *FleetPoller) setAlarm(source FleetSource, peer *fleetPeer) {
	if peer.alarm != nil {
		peer.alarm.Stop()
	}
	peer.alarm = time.AfterFunc(peer.next.Sub(p.now()), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if _, asked := peer.interval(p.now()); asked && p.peers[source] == peer {
			p.readIfDue(source, peer)
		}
	})
}

// interval is the shortest of those who still ask.
func (peer *fleetPeer) interval(now time.Time) (shortest time.Duration, asked bool) {
	for _, one := range peer.askers {
		if one.counts(now) && (!asked || one.interval < shortest) {
			shortest, asked = one.interval, true
		}
	}
	return shortest, asked
}

// forgetIdle drops askers and control planes that nobody asked for lately.
func (p *FleetPoller) forgetIdle(now time.Time) {
	if now.Sub(p.swept) < sweepPeriod {
		return
	}
	p.swept = now
	for source, peer := range p.peers {
		maps.DeleteFunc(peer.askers, func(_ Asker, last inquiry) bool { return now.Sub(last.at) > idlePeer && !last.counts(now) })
		if len(peer.askers) == 0 && !peer.reading {
			if peer.client != nil {
				peer.client.Close()
			}
			if peer.alarm != nil {
				peer.alarm.Stop()
			}
			delete(p.peers, source)
			delete(p.tokens, tokenSourceOf(source)) // another who needs it reads it again
		}
	}
}

// read asks a control plane once and wakes those askers whom the answer has news for.
func (p *FleetPoller) read(source FleetSource, peer *fleetPeer) {
	ctx := p.life()
	if ctx == nil {
		return
	}
	p.slots <- struct{}{}
	answer, err := p.ask(ctx, source, peer)
	<-p.slots
	p.metrics.asked(err)
	if err != nil {
		ctrl.Log.WithName("fleets").V(1).Info("control plane cannot be read", "url", source.URL, "cause", causeOf(err).Error())
	}
	for _, asker := range p.conclude(source, peer, answer, err) {
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
func (p *FleetPoller) conclude(source FleetSource, peer *fleetPeer, answer FleetAnswer, err error) []Asker {
	answer.sort()
	p.mu.Lock()
	defer p.mu.Unlock()
	before := peer.answer
	peer.reading, peer.took = false, p.now().Sub(answer.At)
	if err != nil {
		peer.failures++
		since := answer.At
		if before.Err != nil {
			since = before.FailingSince
		}
		peer.answer = FleetAnswer{Asked: true, At: answer.At, Err: stable(err), FailingSince: since}
	} else {
		peer.failures = 0
		peer.answer = answer
	}
	if interval, asked := peer.interval(p.now()); asked {
		peer.next = p.now().Add(pause(interval, peer.took, peer.failures))
		p.setAlarm(source, peer)
	}
	found := newsOf(before, peer.answer)
	var askers []Asker
	for _, one := range peer.askers {
		if found.concerns(one.asker) {
			askers = append(askers, one.asker)
		}
	}
	return askers
}

// pause is one interval, or more after a read that took long, and after failures a second
// that doubles to a minute: a control plane that is just starting is found soon, a dead
// one is left in peace.
func pause(interval, took time.Duration, failures int) time.Duration {
	if failures == 0 {
		return max(interval, min(readShare*took, slowestRead))
	}
	return min(firstPause<<min(failures-1, 10), maxPause)
}

// fingerprints are what a change of the accepted tokens shows in; when each was used
// last changes all the time.
func fingerprints(tokens *fleetapi.Tokens) []string {
	if tokens == nil {
		return nil
	}
	var found []string
	for _, info := range slices.Concat(tokens.Ingest, tokens.Viewer) {
		found = append(found, info.Fingerprint)
	}
	return found
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

// ask reads a control plane once. A viewer token that it refuses is read again, since
// it may have been rotated, and then has a second chance at once.
func (p *FleetPoller) ask(ctx context.Context, source FleetSource, peer *fleetPeer) (FleetAnswer, error) {
	answer := FleetAnswer{Asked: true, At: p.now()}
	if peer.client == nil {
		if err := p.connect(ctx, source, peer); err != nil {
			return answer, err
		}
	}
	used := p.token(source)
	if used == "" || source.WithTokens {
		var err error
		if used, err = p.readToken(ctx, source); err != nil {
			return answer, err
		}
	}
	err := question(ctx, source, peer.client, &answer)
	if unauthorized(err) {
		fresh, readErr := p.readToken(ctx, source)
		if readErr != nil {
			return answer, readErr
		}
		if fresh != used {
			err = question(ctx, source, peer.client, &answer)
		}
	}
	return answer, peer.explain(err, source)
}

// question makes the requests of one read.
func question(ctx context.Context, source FleetSource, c *fleetapi.Client, answer *FleetAnswer) error {
	status, err := c.Status(ctx, source.Prefix)
	if err != nil {
		return err
	}
	answer.Status = &status
	if !source.WithTokens {
		return nil
	}
	config, err := c.Config(ctx)
	answer.Tokens = config.Tokens
	return err
}

func unauthorized(err error) bool {
	refused, ok := errors.AsType[*fleetapi.StatusError](err)
	return ok && refused.Code == http.StatusUnauthorized
}

// explain puts a failed read into words for a condition.
func (peer *fleetPeer) explain(err error, source FleetSource) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*fleetapi.StatusError](err); ok {
		return &askError{message: refused.Error(), cause: err}
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		peer.disconnect() // the authority may have been renewed
		return &askError{message: certificateProblem(untrusted, source), cause: err}
	}
	return &askError{message: "no usable answer from " + source.URL, cause: err}
}

// connect makes the client of a control plane. Its authority is read once, and again
// after a certificate was not to be trusted.
func (p *FleetPoller) connect(ctx context.Context, source FleetSource, peer *fleetPeer) error {
	trust, err := trustOf(ctx, p.secrets, source)
	if err != nil {
		return err
	}
	peer.client, err = fleetapi.NewClient(source.URL, fleetapi.ClientOptions{
		Token: func() (string, error) { return p.token(source), nil }, TLS: trust,
		Guarded: p.guarded, MaxResponseBytes: responseBound(source),
	})
	if err != nil {
		return &askError{message: err.Error(), cause: err}
	}
	return nil
}

func (peer *fleetPeer) disconnect() {
	peer.client.Close()
	peer.client = nil
}
