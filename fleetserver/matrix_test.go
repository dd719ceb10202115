package fleetserver

import (
	"net/http"
	"slices"
	"testing"
)

// TestEveryRouteForEveryCredential walks the route table: a route answers 401
// to all but the credentials of its surface, whatever its handler does.
func TestEveryRouteForEveryCredential(t *testing.T) {
	opens := map[permission][]string{
		permitOpen:   {"", "wrong", "ingest", "viewer", "admin", "non-ASCII", "over-long"},
		permitIngest: {"ingest"},
		permitViewer: {"viewer"},
		permitAdmin:  {"admin"},
	}
	p := newPlane(t, "ARGUS_FLEET_READ_BURST", "100000")
	table := p.server.routeTable()
	if len(table) < 13 {
		t.Fatalf("the table has %d routes", len(table))
	}
	for _, route := range table {
		for _, as := range opens[permitOpen] {
			want := slices.Contains(opens[route.permission], as)
			got := p.ask(route.method, route.path, as, "")
			refused := got.status == http.StatusUnauthorized || got.status == http.StatusTooManyRequests
			if refused == want {
				t.Errorf("%s %s as %q: %d %s, want let through: %v", route.method, route.path, as, got.status, got.body, want)
			}
			if got.status >= 500 {
				t.Errorf("%s %s as %q: %d %s", route.method, route.path, as, got.status, got.body)
			}
		}
	}
}

func TestAllMethodsOfAPathNeedTheSamePermission(t *testing.T) {
	p := newPlane(t)
	needs := map[string]permission{}
	for _, route := range p.server.routeTable() {
		if need, ok := needs[route.path]; ok && need != route.permission {
			t.Errorf("%s needs %q and %q", route.path, need, route.permission)
		}
		needs[route.path] = route.permission
	}
}

// TestEveryErrorOfTheTableIsTold checks that no two rules shadow one another
// and that each says something.
func TestEveryErrorOfTheTableIsTold(t *testing.T) {
	for _, rule := range errorTable() {
		got, known := failureOf(rule.err)
		if !known || got.status != rule.status || got.text == "" || got.reason == "" {
			t.Errorf("%v: %+v known %v", rule.err, got, known)
		}
	}
	if got, known := failureOf(http.ErrBodyNotAllowed); known || got.status != 500 {
		t.Errorf("an unexpected error: %+v known %v", got, known)
	}
}
