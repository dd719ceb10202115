package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// FleetSource tells where a control plane is and which Secret opens it.
type FleetSource struct {
	URL       string
	Namespace string
	Viewer    v1alpha1.SecretKeyRef
}

// FleetReader reads how a control plane's clusters are. An error's text is stable
// and fit for a condition.
type FleetReader interface {
	Summary(ctx context.Context, source FleetSource) (fleetapi.Summary, error)
	Status(ctx context.Context, source FleetSource, prefix string) (fleetapi.Status, error)
}

// HTTPFleetReader reads over HTTP. It keeps one client for each control plane, and
// its viewer token until the control plane refuses it.
type HTTPFleetReader struct {
	secrets client.Reader
	now     func() time.Time
	guarded bool

	mu    sync.Mutex
	peers map[FleetSource]*fleetPeer
}

type fleetPeer struct {
	client *fleetapi.Client
	used   time.Time

	mu    sync.Mutex
	token string
}

// idlePeer is how long the connection to a control plane that nobody asks for is kept.
const idlePeer = 10 * time.Minute

// NewHTTPFleetReader returns a reader that finds viewer tokens through secrets. A
// guarded one refuses addresses of the operator's own host and link.
func NewHTTPFleetReader(secrets client.Reader, guarded bool) *HTTPFleetReader {
	return &HTTPFleetReader{secrets: secrets, now: time.Now, guarded: guarded, peers: map[FleetSource]*fleetPeer{}}
}

// Summary returns the counts of a control plane.
func (r *HTTPFleetReader) Summary(ctx context.Context, source FleetSource) (fleetapi.Summary, error) {
	return ask(ctx, r, source, func(c *fleetapi.Client) (fleetapi.Summary, error) { return c.Summary(ctx) })
}

// Status returns the clusters whose identity starts with prefix.
func (r *HTTPFleetReader) Status(ctx context.Context, source FleetSource, prefix string) (fleetapi.Status, error) {
	return ask(ctx, r, source, func(c *fleetapi.Client) (fleetapi.Status, error) { return c.Status(ctx, prefix) })
}

func ask[T any](ctx context.Context, r *HTTPFleetReader, source FleetSource, call func(*fleetapi.Client) (T, error)) (T, error) {
	var none T
	peer, err := r.peer(source)
	if err != nil {
		return none, err
	}
	if err := peer.ensureToken(ctx, r.secrets, source); err != nil {
		return none, err
	}
	answer, err := call(peer.client)
	if refused, ok := errors.AsType[*fleetapi.StatusError](err); ok && refused.Code == http.StatusUnauthorized {
		peer.forgetToken()
	}
	return answer, stable(err, source.URL)
}

// stable keeps what tells people apart what is wrong, and drops addresses, ports
// and timings, which differ from one try to the next.
func stable(err error, url string) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*fleetapi.StatusError](err); ok {
		return refused
	}
	return &unreachableError{url: url, cause: err}
}

// unreachableError says that there was no answer; the cause is for the log.
type unreachableError struct {
	url   string
	cause error
}

func (e *unreachableError) Error() string { return "no usable answer from " + e.url }
func (e *unreachableError) Unwrap() error { return e.cause }

func (r *HTTPFleetReader) peer(source FleetSource) (*fleetPeer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for key, peer := range r.peers {
		if now.Sub(peer.used) > idlePeer {
			peer.client.Close()
			delete(r.peers, key)
		}
	}
	if peer, ok := r.peers[source]; ok {
		peer.used = now
		return peer, nil
	}
	peer := &fleetPeer{used: now}
	c, err := fleetapi.NewClient(source.URL, fleetapi.ClientOptions{Token: peer.currentToken, Guarded: r.guarded})
	if err != nil {
		return nil, err
	}
	peer.client = c
	r.peers[source] = peer
	return peer, nil
}

func (p *fleetPeer) currentToken() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token, nil
}

func (p *fleetPeer) forgetToken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = ""
}

func (p *fleetPeer) ensureToken(ctx context.Context, secrets client.Reader, source FleetSource) error {
	if token, _ := p.currentToken(); token != "" {
		return nil
	}
	var secret corev1.Secret
	err := secrets.Get(ctx, types.NamespacedName{Namespace: source.Namespace, Name: source.Viewer.Name}, &secret)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("viewer token: Secret %q does not exist", source.Viewer.Name)
	}
	if err != nil {
		return fmt.Errorf("viewer token: Secret %q cannot be read", source.Viewer.Name)
	}
	token := tokens.First(secret.Data[source.Viewer.Key])
	if token == "" {
		return fmt.Errorf("viewer token: Secret %q has no key %q, or it is empty", source.Viewer.Name, source.Viewer.Key)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
	return nil
}
