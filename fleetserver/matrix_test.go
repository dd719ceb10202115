package fleetserver

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/access"
)

// TestEveryRouteForEveryCredential walks the route table: a route answers 401
// to all but the credentials of its surface, whatever its handler does.
func TestEveryRouteForEveryCredential(t *testing.T) {
	file := filepath.Join(t.TempDir(), "viewer-token")
	write := func(token string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(tokens["rotated-out"])
	config := configOf(t, "ARGUS_FLEET_READ_BURST", "100000", "ARGUS_FLEET_CLICKHOUSE_DSN", "http://127.0.0.1:1")
	config.ViewerToken = access.Secret{Value: tokens["rotated-out"], File: file}
	p := startPlane(t, config, newClock())
	write(tokens["viewer"])
	p.server.keyring.Reload()
	cookie := p.signIn()

	everybody := []string{"", "wrong", "ingest", "viewer", "admin", "cookie", "rotated-out", "non-ASCII", "over-long"}
	opens := map[permission][]string{
		permitOpen: everybody, permitIngest: {"ingest"}, permitViewer: {"viewer", "cookie"}, permitAdmin: {"admin"},
	}
	table := p.server.routeTable()
	if len(table) < 20 {
		t.Fatalf("the table has %d routes", len(table))
	}
	for _, route := range table {
		for _, as := range everybody {
			want := slices.Contains(opens[route.permission], as)
			var status int
			if as == "cookie" {
				status = p.probe(route, "", "Cookie", cookie.Name+"="+cookie.Value)
			} else {
				status = p.probe(route, as)
			}
			if route.path == fleetapi.PathSession && route.method == post {
				want, status = true, http.StatusOK // it asks for the token itself: TestSigningIn
			}
			refused := status == http.StatusUnauthorized || status == http.StatusTooManyRequests
			if refused == want || status >= 500 {
				t.Errorf("%s %s as %q: %d, want let through: %v", route.method, route.path, as, status, want)
			}
		}
	}
}

// probe asks for a route's status alone: a stream has no end.
func (p *plane) probe(r route, as string, headers ...string) int {
	p.t.Helper()
	if r.path == fleetapi.PathStream {
		return p.openStream(as, headers...).status
	}
	return p.ask(r.method, r.path, as, "", headers...).status
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
