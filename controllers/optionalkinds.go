package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// DefaultKindsInterval is how often the operator looks which of the kinds that a
// cluster may lack are there.
const DefaultKindsInterval = 5 * time.Minute

// retryKinds is how soon to look again after the API server did not answer.
const retryKinds = time.Second

// OptionalKinds knows which of the kinds that a cluster may lack (HTTPRoute,
// ServiceMonitor, PrometheusRule) are there now. It watches those that are, each
// through a cache of its own, which ends when the kind goes away.
type OptionalKinds struct {
	interval time.Duration
	find     discovery.ServerResourcesInterfaceWithContext
	newCache func() (cache.Cache, error)
	// changed get an event when a kind has come or gone; soon asks for a look at once.
	changed []chan event.GenericEvent
	soon    chan struct{}
	// known is closed after the first look.
	known  chan struct{}
	looked bool

	mu      sync.RWMutex
	watched map[schema.GroupVersionKind][]watching
	caches  map[schema.GroupVersionKind]*kindCache
	running sync.WaitGroup
}

// watching is who wants to hear of the objects of a kind.
type watching struct {
	controller controller.Controller
	handler    handler.EventHandler
}

// kindCache is the cache of one kind that is there.
type kindCache struct {
	cache    cache.Cache
	informer cache.Informer
	stop     context.CancelFunc
}

// NewOptionalKinds returns OptionalKinds that look every interval, in these
// namespaces; none means all. The manager has to run it.
func NewOptionalKinds(mgr ctrl.Manager, namespaces []string, interval time.Duration) (*OptionalKinds, error) {
	found, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client that finds kinds: %w", err)
	}
	return &OptionalKinds{
		interval: interval,
		find:     found,
		newCache: func() (cache.Cache, error) {
			options := optionalCacheOptions(namespaces)
			options.HTTPClient, options.Scheme, options.Mapper = mgr.GetHTTPClient(), mgr.GetScheme(), mgr.GetRESTMapper()
			return cache.New(mgr.GetConfig(), options)
		},
		soon:    make(chan struct{}, 1),
		known:   make(chan struct{}),
		watched: map[schema.GroupVersionKind][]watching{},
		caches:  map[schema.GroupVersionKind]*kindCache{},
	}, nil
}

// watch has a controller hear of the objects of a kind whenever the kind is there.
// All calls come before Start.
func (k *OptionalKinds) watch(gvk schema.GroupVersionKind, c controller.Controller, h handler.EventHandler) {
	k.watched[gvk] = append(k.watched[gvk], watching{c, h})
}

// tell returns a channel that gets an event whenever a kind has come or gone. All calls
// come before Start.
func (k *OptionalKinds) tell() <-chan event.GenericEvent {
	told := make(chan event.GenericEvent, 1)
	k.changed = append(k.changed, told)
	return told
}

// Start looks for the kinds until the context ends.
func (k *OptionalKinds) Start(ctx context.Context) error {
	defer k.running.Wait()
	for {
		wait := k.interval
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			ctrl.LoggerFrom(ctx).Error(err, "cannot tell which optional kinds the cluster has")
			wait = min(wait, retryKinds)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-k.soon:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Present tells whether the cluster has a kind, as of the last look. It waits for the first.
func (k *OptionalKinds) Present(ctx context.Context, gvk schema.GroupVersionKind) (bool, error) {
	select {
	case <-k.known:
	case <-ctx.Done():
		return false, fmt.Errorf("waiting to know whether the cluster has %s: %w", gvk.Kind, ctx.Err())
	}
	return k.open(gvk), nil
}

// gone tells whether an error says that the kind itself is not there (any more), and
// has that looked at.
func (k *OptionalKinds) gone(err error) bool {
	if !meta.IsNoMatchError(err) && !apierrors.IsNotFound(err) {
		return false
	}
	select {
	case k.soon <- struct{}{}:
	default:
	}
	return true
}

// look finds out which kinds are there, and starts and stops their caches.
func (k *OptionalKinds) look(ctx context.Context) error {
	changed := false
	for gvk := range k.watched {
		there, err := k.serves(ctx, gvk)
		if err != nil {
			return err
		}
		if there == k.open(gvk) {
			continue
		}
		changed = true
		if !there {
			k.stop(gvk)
		} else if err := k.start(ctx, gvk); err != nil {
			return err
		}
	}
	switch {
	case !k.looked:
		k.looked = true
		close(k.known)
	case changed:
		k.tellAll()
	}
	return nil
}

func (k *OptionalKinds) tellAll() {
	for _, told := range k.changed {
		select {
		case told <- event.GenericEvent{Object: &v1alpha1.ArgusFleet{}}: // which object says nothing
		default: // one is waiting to be heard already
		}
	}
}

func (k *OptionalKinds) open(gvk schema.GroupVersionKind) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.caches[gvk] != nil
}

func (k *OptionalKinds) stop(gvk schema.GroupVersionKind) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.caches[gvk].stop()
	delete(k.caches, gvk)
}

func (k *OptionalKinds) serves(ctx context.Context, gvk schema.GroupVersionKind) (bool, error) {
	list, err := k.find.ServerResourcesForGroupVersionWithContext(ctx, gvk.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("listing the kinds of %s: %w", gvk.GroupVersion(), err)
	}
	for i := range list.APIResources {
		if one := &list.APIResources[i]; one.Kind == gvk.Kind && slices.Contains(one.Verbs, "watch") {
			return true, nil
		}
	}
	return false, nil
}

// start fills the cache of a kind and has its events handled.
func (k *OptionalKinds) start(ctx context.Context, gvk schema.GroupVersionKind) error {
	kinds, err := k.newCache()
	if err != nil {
		return fmt.Errorf("making a cache for %s: %w", gvk.Kind, err)
	}
	ctx, stop := context.WithCancel(ctx)
	k.running.Go(func() {
		if err := kinds.Start(ctx); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "the cache of an optional kind has ended", "kind", gvk.Kind)
		}
	})
	object := untyped(gvk)
	informer, err := kinds.GetInformer(ctx, object, cache.BlockUntilSynced(false))
	if err != nil {
		stop()
		return fmt.Errorf("watching %s: %w", gvk.Kind, err)
	}
	for _, want := range k.watched[gvk] {
		if err := want.controller.Watch(source.Kind(kinds, client.Object(object), want.handler)); err != nil {
			stop()
			return fmt.Errorf("watching %s: %w", gvk.Kind, err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.caches[gvk] = &kindCache{cache: kinds, informer: informer, stop: stop}
	return nil
}

func untyped(gvk schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(gvk)
	return object
}

// Client reads objects of optional kinds through their caches once those are filled,
// and everything else as c does.
func (k *OptionalKinds) Client(c client.Client) client.Client { return &optionalClient{c, k} }

type optionalClient struct {
	client.Client
	kinds *OptionalKinds
}

func (c *optionalClient) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return c.reader(object.GetObjectKind().GroupVersionKind()).Get(ctx, key, object, options...)
}

func (c *optionalClient) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	gvk := list.GetObjectKind().GroupVersionKind()
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	return c.reader(gvk).List(ctx, list, options...)
}

func (c *optionalClient) reader(gvk schema.GroupVersionKind) client.Reader {
	c.kinds.mu.RLock()
	defer c.kinds.mu.RUnlock()
	if found := c.kinds.caches[gvk]; found != nil && found.informer.HasSynced() {
		return found.cache
	}
	return c.Client
}
