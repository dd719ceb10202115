package fleetserver

import (
	"container/list"
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

// connections bounds how many are open. One too many costs the connection that
// has been idle for longest, or itself when none is idle.
type connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // nil while a request is under way
	idle *list.List                 // of net.Conn, longest idle first
}

func newConnections(maxClusters int) *connections {
	return &connections{
		limit: max(int(connectionsPerCluster*float64(maxClusters)), minConnections),
		open:  map[net.Conn]*list.Element{}, idle: list.New(),
	}
}

// changed is the server's ConnState hook.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element := c.open[conn]; element != nil {
		c.idle.Remove(element)
	}
	switch state {
	case http.StateNew:
		c.open[conn] = nil
		if len(c.open) > c.limit {
			c.shed(conn)
		}
	case http.StateActive:
		c.open[conn] = nil
	case http.StateIdle:
		c.open[conn] = c.idle.PushBack(conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
}

func (c *connections) shed(newcomer net.Conn) {
	victim := newcomer
	if oldest := c.idle.Front(); oldest != nil {
		if conn, ok := c.idle.Remove(oldest).(net.Conn); ok {
			victim = conn
		}
	}
	delete(c.open, victim)
	_ = victim.Close()
}
