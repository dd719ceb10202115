package fleetserver

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/ui"
)

// rateClass says which limit a route spends.
type rateClass int

const (
	rateNone rateClass = iota
	// rateRead is spent by address before the handler runs.
	rateRead
	// rateRegister and rateHeartbeat are spent by the handler, once it knows
	// from the body whose they are.
	rateRegister
	rateHeartbeat
)

// route is one line of the table.
type route struct {
	method     string
	path       string
	permission permission
	class      rateClass
	handler    handler
}

// routeTable holds every route of the control plane. Without an admin token
// there are no admin routes, and without a ClickHouse no analytics: their paths
// are unknown ones.
func (s *Server) routeTable() []route {
	table := slices.Concat(s.openRoutes(), s.memberRoutes(), s.viewerRoutes(), s.analyticsRoutes())
	if !s.keyring.List(fleetapi.SurfaceAdmin).Open() {
		table = append(table, s.adminRoutes()...)
	}
	return table
}

// Route is one line of the route table, for those who describe it.
type Route struct {
	Method, Path string
	// Permission is the surface whose token opens the route: open, ingest, viewer
	// or admin.
	Permission string
}

// Routes lists what this control plane answers, in no particular order.
func (s *Server) Routes() []Route {
	var list []Route
	for _, r := range s.routeTable() {
		list = append(list, Route{r.method, r.path, cmp.Or(string(r.permission), "open")})
	}
	return list
}

func (s *Server) openRoutes() []route {
	return []route{
		{http.MethodGet, fleetapi.PathHealthz, permitOpen, rateNone, endpoint(noRequest, s.healthz)},
		{http.MethodGet, fleetapi.PathReadyz, permitOpen, rateNone, endpoint(noRequest, s.readyz)},
		{http.MethodGet, "/", permitOpen, rateNone, endpoint(noRequest, s.page)},
		{http.MethodGet, pathAssets, permitOpen, rateNone, endpoint(assetPath, s.asset)},
		{http.MethodPost, fleetapi.PathSession, permitOpen, rateNone, endpoint(s.sessionBody, s.signIn)},
		{http.MethodDelete, fleetapi.PathSession, permitOpen, rateNone, endpoint(sessionScheme(s), s.signOut)},
	}
}

func (s *Server) memberRoutes() []route {
	return []route{
		{http.MethodPost, fleetapi.PathRegister, permitIngest, rateRegister, s.audited("register", endpoint(s.registerBody, s.register))},
		{http.MethodPost, fleetapi.PathHeartbeat, permitIngest, rateHeartbeat, s.auditedRefusals("heartbeat", endpoint(s.heartbeatBody, s.heartbeat))},
		{http.MethodPost, fleetapi.PathLeave, permitIngest, rateHeartbeat, s.audited("leave", endpoint(s.leaveBody, s.leave))},
	}
}

func (s *Server) viewerRoutes() []route {
	return []route{
		{http.MethodGet, fleetapi.PathMetrics, permitViewer, rateRead, s.serveMetrics},
		{http.MethodGet, fleetapi.PathConfig, permitViewer, rateRead, endpoint(noRequest, s.describe)},
		{http.MethodGet, fleetapi.PathView, permitViewer, rateRead, endpoint(noRequest, s.view)},
		{http.MethodGet, fleetapi.PathSummary, permitViewer, rateRead, endpoint(noRequest, s.summary)},
		{http.MethodGet, fleetapi.PathCluster, permitViewer, rateRead, endpoint(clusterQuery, s.cluster)},
		{http.MethodGet, fleetapi.PathStatus, permitViewer, rateRead, endpoint(statusQuery, s.status)},
		{http.MethodGet, fleetapi.PathTargets, permitViewer, rateRead, endpoint(noRequest, s.targets)},
		{http.MethodGet, fleetapi.PathEvents, permitViewer, rateRead, endpoint(noRequest, s.listEvents)},
		{http.MethodGet, fleetapi.PathHistory, permitViewer, rateRead, endpoint(historyQuery, s.fleetHistory)},
		{http.MethodGet, fleetapi.PathStream, permitViewer, rateRead, s.stream},
	}
}

func (s *Server) adminRoutes() []route {
	return []route{
		{http.MethodDelete, fleetapi.PathAdminCluster, permitAdmin, rateNone, s.audited("retire", endpoint(retireQuery, s.retire))},
		{http.MethodPost, fleetapi.PathAdminResetLease, permitAdmin, rateNone, s.audited("reset-lease", endpoint(identityQuery, s.resetLease))},
		{http.MethodGet, fleetapi.PathAdminBackup, permitAdmin, rateNone, endpoint(noRequest, s.backup)},
		{http.MethodGet, fleetapi.PathAdminExport, permitAdmin, rateNone, endpoint(exportQuery, s.export)},
	}
}

// routes finds routes by exact path.
type routes struct {
	byPath map[string][]route
	// counters are by path as well, and there is one for requests without a route.
	counters map[string]*routeCounters
}

func newRoutes(table []route) routes {
	t := routes{map[string][]route{}, map[string]*routeCounters{otherRoute: {}}}
	for _, r := range table {
		t.byPath[r.path] = append(t.byPath[r.path], r)
		t.counters[r.path] = &routeCounters{}
	}
	return t
}

// canonical maps paths that share a route: the files of the page, and the one
// other spelling that members use, for a trailing slash in their ARGUS_FLEET_URL
// makes them post to //fleet/register.
func canonical(path string) string {
	if strings.HasPrefix(path, ui.AssetPrefix) {
		return pathAssets
	}
	if path == "/"+fleetapi.PathRegister || path == "/"+fleetapi.PathHeartbeat || path == "/"+fleetapi.PathLeave {
		return path[1:]
	}
	return path
}

// find returns the route, or nil and the methods that the path has. HEAD is
// answered wherever GET is.
func (t routes) find(method, path string) (*route, []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	candidates := t.byPath[canonical(path)]
	if i := slices.IndexFunc(candidates, func(r route) bool { return r.method == method }); i >= 0 {
		return &candidates[i], nil
	}
	var allowed []string
	for _, candidate := range candidates {
		allowed = append(allowed, candidate.method)
		if candidate.method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	return nil, allowed
}

// permission of a path. All methods of one path ask for the same one.
func (t routes) permission(path string) permission {
	if candidates := t.byPath[canonical(path)]; len(candidates) > 0 {
		return candidates[0].permission
	}
	return permitViewer
}
