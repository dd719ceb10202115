package fleetserver

import (
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeConn notes that it was closed.
type fakeConn struct {
	net.Conn
	name   string
	closed *[]string
}

func (c *fakeConn) Close() error {
	*c.closed = append(*c.closed, c.name)
	return nil
}

func TestTheLongestIdleConnectionIsShedFirst(t *testing.T) {
	var closed []string
	conn := map[string]net.Conn{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		conn[name] = &fakeConn{name: name, closed: &closed}
	}
	c := newConnections(0)
	c.limit = 3
	for _, step := range []struct {
		name  string
		state http.ConnState
	}{
		{"a", http.StateNew},
		{"b", http.StateNew},
		{"c", http.StateNew},
		{"b", http.StateIdle},
		{"a", http.StateIdle},
		{"b", http.StateActive}, // no longer idle
		{"d", http.StateNew},    // costs a
		{"a", http.StateClosed},
		{"e", http.StateNew}, // nobody is idle: costs itself
		{"e", http.StateClosed},
		{"c", http.StateClosed},
		{"f", http.StateNew}, // there is room
	} {
		c.changed(conn[step.name], step.state)
	}
	if diff := cmp.Diff([]string{"a", "e"}, closed); diff != "" {
		t.Errorf("closed (-want +got)\n%s", diff)
	}
	if len(c.open) != 3 || c.idle.Len() != 0 {
		t.Errorf("%d open and %d idle, want 3 and none", len(c.open), c.idle.Len())
	}
}

func TestTheLimitFollowsTheCapOnClusters(t *testing.T) {
	if got := newConnections(5000).limit; got != 7500 {
		t.Errorf("%d, want 7500", got)
	}
	if got := newConnections(2).limit; got != minConnections {
		t.Errorf("%d, want %d", got, minConnections)
	}
}
