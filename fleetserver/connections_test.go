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

func TestWhoGoesWhenThereIsNoRoom(t *testing.T) {
	const trusted = http.ConnState(-1) // a credential was accepted
	type event struct {
		name  string
		state http.ConnState
	}
	for name, tc := range map[string]struct {
		events []event
		closed []string
		left   [3]int // open, strangers, idle
	}{
		"the stranger that came first, whatever it does": {[]event{
			{"a", http.StateNew},
			{"a", trusted},
			{"a", http.StateIdle},
			{"b", http.StateNew},
			{"c", http.StateNew},
			{"b", http.StateActive},
			{"d", http.StateNew},
		}, []string{"b"}, [3]int{3, 2, 1}},
		"an idle stranger like any other": {[]event{
			{"a", http.StateNew}, {"b", http.StateNew}, {"c", http.StateNew}, {"a", http.StateActive}, {"a", http.StateIdle}, {"d", http.StateNew},
		}, []string{"a"}, [3]int{3, 3, 0}},
		"the longest idle where there is no stranger": {[]event{
			{"a", http.StateNew},
			{"a", trusted},
			{"b", http.StateNew},
			{"b", trusted},
			{"c", http.StateNew},
			{"c", trusted},
			{"b", http.StateIdle},
			{"a", http.StateIdle},
			{"b", http.StateActive},
			{"d", http.StateNew},
		}, []string{"a"}, [3]int{3, 1, 0}},
		"the newcomer when all others work": {[]event{
			{"a", http.StateNew}, {"a", trusted}, {"b", http.StateNew}, {"b", trusted}, {"c", http.StateNew}, {"c", trusted}, {"d", http.StateNew},
		}, []string{"d"}, [3]int{3, 0, 0}},
		"nobody once one has closed": {[]event{
			{"a", http.StateNew},
			{"b", http.StateNew},
			{"c", http.StateNew},
			{"b", trusted},
			{"b", http.StateIdle},
			{"b", http.StateClosed},
			{"c", http.StateHijacked},
			{"d", http.StateNew},
			{"e", http.StateNew},
		}, nil, [3]int{3, 3, 0}},
		"what still happens to one that went counts for nothing": {[]event{
			{"a", http.StateNew},
			{"b", http.StateNew},
			{"c", http.StateNew},
			{"d", http.StateNew},
			{"a", http.StateActive},
			{"a", trusted},
			{"a", http.StateIdle},
			{"a", http.StateClosed},
		}, []string{"a"}, [3]int{3, 3, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var closed []string
			conn := map[string]net.Conn{}
			c := newConnections(0)
			c.limit = 3
			for _, e := range tc.events {
				if conn[e.name] == nil {
					conn[e.name] = &fakeConn{name: e.name, closed: &closed}
				}
				if e.state == trusted {
					c.trust(conn[e.name])
				} else {
					c.changed(conn[e.name], e.state)
				}
			}
			if diff := cmp.Diff(tc.closed, closed); diff != "" {
				t.Errorf("closed (-want +got)\n%s", diff)
			}
			if got := [3]int{len(c.open), c.strangers.Len(), c.idle.Len()}; got != tc.left {
				t.Errorf("open, strangers and idle are %v, want %v", got, tc.left)
			}
		})
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
