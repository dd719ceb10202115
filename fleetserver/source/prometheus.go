package source

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/access"
)

const (
	// roundTimeout bounds one round of queries, and so how long a view waits.
	roundTimeout = 10 * time.Second
	// patience is how long a round may take for views to wait for the next one.
	// After a slower one they show what there is while a round runs behind them,
	// so that a Prometheus that hangs delays one view and not all.
	patience = 2 * time.Second
	// retryInterval is how long a Prometheus that answered nothing is left alone.
	retryInterval = 5 * time.Second
	// maxAge is how old answers may be that a view shows without waiting.
	maxAge = time.Minute
)

// PrometheusOptions say which Prometheus to ask, and how.
type PrometheusOptions struct {
	// URL is the server's address, http or https, perhaps with a path in front
	// of /api/v1; it holds no credentials.
	URL string
	// Prefix is the metric prefix without its underscore.
	Prefix string
	// Window is how long the answers of a round are used.
	Window time.Duration
	// Token is sent as bearer token; its file is read again for each request.
	Token access.Secret
	// CAFile names a PEM file of the authorities that an https server is checked
	// against in place of the system's; a change is followed.
	CAFile string

	// ReadFile reads both files; os.ReadFile.
	ReadFile func(string) ([]byte, error)
	// Now is the clock; time.Now.
	Now func() time.Time
	// Logger gets one line per change of state; slog.Default().
	Logger *slog.Logger
	// Observe is told how long each round took and its outcome (answered, in_part
	// or silent); nil: nobody is.
	Observe func(took time.Duration, outcome string)

	timeout, patience time.Duration // for tests; the constants above
}

// Prometheus asks a Prometheus server for the values of all clusters. It asks
// when somebody wants them, in one round of concurrent queries for everybody.
// It is safe for concurrent use.
type Prometheus struct {
	options PrometheusOptions
	client  *prometheusClient
	queries []query
	// life ends with Close; rounds belong to nobody's request.
	life       context.Context
	end        context.CancelFunc
	background sync.WaitGroup

	mu      sync.Mutex
	last    *round // the last one that ended; nil before the first
	running *round // nil between rounds

	outcome outcome // of the last round; only the one that runs touches it
}

// round is one set of answers. All but done is written before done is closed.
type round struct {
	done     chan struct{}
	clusters map[string]*polled // by identity
	ended    time.Time
	took     time.Duration
	outcome  outcome
}

// outcome says how much of a round was answered.
type outcome int

const (
	answered outcome = iota
	answeredInPart
	silent
)

// String is the outcome as a metric's label.
func (o outcome) String() string { return [...]string{"answered", "in_part", "silent"}[o] }

// NewPrometheus returns a source that has asked nothing yet: the server need not
// be there. It fails if the URL is none or the CA file cannot be used.
func NewPrometheus(options PrometheusOptions) (*Prometheus, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.timeout == 0 {
		options.timeout, options.patience = roundTimeout, patience
	}
	client, err := newPrometheusClient(options)
	if err != nil {
		return nil, err
	}
	p := &Prometheus{options: options, client: client, queries: newQueries(options.Prefix)}
	p.life, p.end = context.WithCancel(context.Background())
	return p, nil
}

// Close ends a round that is under way; whoever waits for it gets what it has
// so far. A closed source asks no more.
func (p *Prometheus) Close() {
	p.mu.Lock()
	p.end() // under the lock: no round begins after it
	p.mu.Unlock()
	p.background.Wait()
	p.client.close()
}

// clusters returns the answers of a round that is no older than the window, as
// far as there are some and the server is worth waiting for.
func (p *Prometheus) clusters() map[string]*polled {
	last, running := p.begin()
	if running != nil && (last == nil || last.outcome != silent && last.took <= p.options.patience) {
		<-running.done // at most for the round's timeout
		return running.clusters
	}
	if last == nil || p.options.Now().Sub(last.ended) > max(maxAge, p.options.Window) {
		return nil
	}
	return last.clusters
}

// begin starts a round if one is due. It returns the last one that ended and
// the one that runs, if any.
func (p *Prometheus) begin() (last, running *round) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil && p.due() && p.life.Err() == nil {
		started := &round{done: make(chan struct{})}
		p.running = started
		p.background.Go(func() { p.poll(started) })
	}
	return p.last, p.running
}

func (p *Prometheus) due() bool {
	if p.last == nil {
		return true
	}
	interval := p.options.Window
	if p.last.outcome == silent {
		interval = max(interval, retryInterval)
	}
	return p.options.Now().Sub(p.last.ended) >= interval
}

// poll asks all queries at once. One that fails leaves its own values unknown.
func (p *Prometheus) poll(r *round) {
	ctx, cancel := context.WithTimeout(p.life, p.options.timeout)
	defer cancel()
	started := p.options.Now()
	answers, failures := make([][]row, len(p.queries)), make([]error, len(p.queries))
	var asked sync.WaitGroup
	for i, q := range p.queries {
		asked.Go(func() { answers[i], failures[i] = p.client.query(ctx, q.text) })
	}
	asked.Wait()
	r.clusters = map[string]*polled{}
	for i, q := range p.queries {
		for _, answer := range answers[i] {
			q.take(r.clusters, answer)
		}
	}
	r.markUnanswered(p.queries, failures)
	r.ended = p.options.Now()
	r.took = r.ended.Sub(started)
	p.judge(r, failures)
	if p.options.Observe != nil && p.life.Err() == nil {
		p.options.Observe(r.took, r.outcome.String())
	}
	p.mu.Lock()
	p.last, p.running = r, nil
	p.mu.Unlock()
	close(r.done)
}

// markUnanswered tells every cluster of a round that a query of the error rate
// failed, if one did.
func (r *round) markUnanswered(queries []query, failures []error) {
	failed := false
	for i, q := range queries {
		failed = failed || q.commands && failures[i] != nil
	}
	for _, c := range r.clusters {
		c.unanswered = failed
	}
}

// judge says how a round went, and logs it if the one before went otherwise.
func (p *Prometheus) judge(r *round, failures []error) {
	failed, first := 0, error(nil)
	for _, err := range failures {
		if err != nil {
			failed++
			if first == nil {
				first = err
			}
		}
	}
	switch {
	case failed == len(failures):
		r.outcome = silent
	case failed > 0:
		r.outcome = answeredInPart
	}
	if r.outcome == p.outcome || p.life.Err() != nil {
		return
	}
	p.outcome = r.outcome
	switch logger := p.options.Logger; r.outcome {
	case answered:
		logger.Info("Prometheus answers again")
	case answeredInPart:
		logger.Warn("Prometheus answers in part, pushed values stand in for the rest", "failed", failed, "queries", len(failures), "error", first)
	case silent:
		logger.Warn("Prometheus does not answer, pushed values stand in", "error", first)
	}
}
