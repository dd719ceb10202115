package fleetserver

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

const (
	// connectionsPerCluster allows for members that reconnect before their old
	// connection is known to be gone, and for viewers.
	connectionsPerCluster = 1.5
	minConnections        = 1024
)

// connections bounds how many are open. One too many costs the stranger that
// came first, and where there is none, the member or viewer that has been idle
// for longest: whoever opens many connections without a credential displaces
// his own, and not those that the fleet lives by.
type connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*connection
	// strangers have shown no accepted credential yet; the others are in idle
	// while no request is under way. Both hold net.Conn, the first to go in front.
	strangers, idle *list.List
}

type connection struct {
	// place is where the connection stands in one of the lists; nil in none.
	place   *list.Element
	trusted bool
}

func newConnections(maxClusters int) *connections {
	return &connections{
		limit: max(int(connectionsPerCluster*float64(maxClusters)), minConnections),
		open:  map[net.Conn]*connection{}, strangers: list.New(), idle: list.New(),
	}
}

type trustKey struct{}

// accepted is the server's ConnContext hook: it lets trust find the connection
// of a request.
func (c *connections) accepted(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, trustKey{}, sync.OnceFunc(func() { c.trust(conn) }))
}

// trust notes that a request's credential was accepted.
func trust(r *http.Request) {
	if note, ok := r.Context().Value(trustKey{}).(func()); ok {
		note()
	}
}

func (c *connections) trust(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.open[conn]; known != nil {
		c.leave(known)
		known.trusted = true
	}
}

// changed is the server's ConnState hook.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if victim := c.note(conn, state); victim != nil {
		hangUp(victim)
	}
}

// note keeps the books and returns the connection that there is no room for.
func (c *connections) note(conn net.Conn, state http.ConnState) (victim net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.open[conn] = &connection{place: c.strangers.PushBack(conn)}
		if len(c.open) > c.limit {
			return c.shed(conn)
		}
		return nil
	}
	known := c.open[conn]
	if known == nil {
		return nil // it was shed
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		c.leave(known)
		delete(c.open, conn)
	case http.StateActive, http.StateIdle:
		if !known.trusted {
			return nil // a stranger keeps its place, whatever it sends
		}
		c.leave(known)
		if state == http.StateIdle {
			known.place = c.idle.PushBack(conn)
		}
	}
	return nil
}

func (c *connections) leave(known *connection) {
	if known.place == nil {
		return
	}
	if known.trusted {
		c.idle.Remove(known.place)
	} else {
		c.strangers.Remove(known.place)
	}
	known.place = nil
}

func (c *connections) shed(newcomer net.Conn) net.Conn {
	victim := newcomer
	if first, ok := c.strangers.Front().Value.(net.Conn); ok && first != newcomer {
		victim = first
	} else if oldest := c.idle.Front(); oldest != nil {
		victim, _ = oldest.Value.(net.Conn)
	}
	c.leave(c.open[victim])
	delete(c.open, victim)
	return victim
}

// dropStrangers closes what need not be waited for at a stop.
func (c *connections) dropStrangers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.strangers.Front(); e != nil; e = e.Next() {
		if conn, ok := e.Value.(net.Conn); ok {
			hangUp(conn)
		}
	}
}

// hangUp closes a connection without TLS's farewell, which may wait for the peer.
func hangUp(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	_ = conn.Close()
}
