package fleetserver

import (
	"fmt"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

// viewSnapshot is one built view, shared by everybody who asks for it.
type viewSnapshot struct {
	rendered
	// deflated returns the body as compressor.deflate makes it, once for all.
	deflated func() []byte
	view     fleetapi.View
	// changes is the server's count of changes before the view was built, and
	// expires the moment at which it goes wrong by itself: a cluster's TTL.
	changes uint64
	expires time.Time
}

// viewCache builds the view at most once per window, and only after something
// has changed, for all viewers together.
type viewCache struct {
	window  time.Duration
	now     func() time.Time
	changes func() uint64
	build   func() (viewSnapshot, error)

	mu      sync.Mutex
	builtAt time.Time
	current viewSnapshot
}

func (c *viewCache) get() (viewSnapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if !c.builtAt.IsZero() && (now.Sub(c.builtAt) < c.window || c.fresh(now)) {
		return c.current, nil
	}
	changes := c.changes()
	built, err := c.build()
	if err != nil {
		return viewSnapshot{}, err
	}
	built.changes = changes
	c.current, c.builtAt = built, now
	return built, nil
}

func (c *viewCache) fresh(now time.Time) bool {
	return c.current.changes == c.changes() && (c.current.expires.IsZero() || !now.After(c.current.expires))
}

// minCompressed is the size below which compression costs more than it saves.
const minCompressed = 1024

func (s *Server) buildView() (viewSnapshot, error) {
	started := time.Now()
	view, expires := s.assemble()
	body := s.encoder.encode(&view)
	s.builds++
	s.metrics.viewBuild.Observe(time.Since(started).Seconds())
	page := rendered{body: body, etag: fmt.Sprintf(`W/"%s-%d"`, s.boot, s.builds)}
	deflated := sync.OnceValue(func() []byte { return s.compressor.deflate(body) })
	if len(body) >= minCompressed {
		page.compressed = sync.OnceValue(func() []byte { return gzipped(deflated(), body) })
	}
	return viewSnapshot{rendered: page, deflated: deflated, view: view, expires: expires}, nil
}

// assemble joins the clusters with their values. Roll-ups cover the clusters
// that are up: what a dead process last said is not part of the fleet. The
// second result is when the view goes wrong by itself: the first of them goes
// down if nobody beats, or Prometheus may have something new.
func (s *Server) assemble() (view fleetapi.View, expires time.Time) {
	view = fleetapi.View{GeneratedAt: s.now().UTC().Truncate(time.Microsecond), Fleets: []fleetapi.Fleet{}}
	var all, group source.Group
	latest := s.values.Latest()
	fleet := &fleetapi.Fleet{}
	for c := range s.registry.All() { // by fleet
		if c.Fleet != fleet.Name || len(view.Fleets) == 0 {
			fleet.Rollup = group.Rollup()
			view.Fleets = append(view.Fleets, fleetapi.Fleet{Name: c.Fleet, Clusters: make([]fleetapi.Cluster, 0, s.registry.CountOf(c.Fleet))})
			fleet, group = &view.Fleets[len(view.Fleets)-1], source.Group{}
		}
		values := latest(c.Identity)
		fleet.Clusters = append(fleet.Clusters, describeCluster(c, values))
		fleet.ClustersTotal++
		if c.Up {
			fleet.ClustersUp++
			group.Add(values)
			all.Add(values)
			expires = earlier(expires, c.Expires)
		}
	}
	fleet.Rollup = group.Rollup()
	view.Global = all.Rollup()
	return view, earlier(expires, s.values.Expires(s.now()))
}

// earlier is the first of two moments; the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func describeCluster(c registry.Cluster, values source.Values) fleetapi.Cluster {
	return fleetapi.Cluster{
		Number: c.Number, Identity: c.Identity, Fleet: c.Fleet, Status: statusWord(c.Up), LastSeen: c.LastSeen,
		Metrics: values.Metrics, Shards: values.Shards, Missing: values.Missing, Oversized: values.Oversized,
		FirstSeen: c.FirstSeen, RegisteredAt: c.RegisteredAt, ValuesAt: valuesAt(values.At),
		Registrations: c.Registrations, Version: c.Version, ScrapeTarget: c.ScrapeTarget,
	}
}

func valuesAt(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC().Truncate(time.Microsecond)
	return &at
}
