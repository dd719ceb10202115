//go:build apiserver

package apiserver

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// planes are HTTP servers that stand for control planes, by the URL that the operator
// knows them under: nothing resolves a Service's name here.
var planes = &planeDirectory{}

type planeDirectory struct {
	mu      sync.Mutex
	servers map[string]*httptest.Server
}

// put has the operator reach handler where it expects the control plane of a fleet.
// The server ends with the test.
func (d *planeDirectory) put(w *world, fleet string, handler http.Handler) {
	server := httptest.NewServer(handler)
	w.Cleanup(server.Close)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.servers == nil {
		d.servers = map[string]*httptest.Server{}
	}
	d.servers[fleet+"-fleet."+w.namespace+".svc"] = server
}

func (d *planeDirectory) connect(url string, options fleetapi.ClientOptions) (*fleetapi.Client, error) {
	_, host, _ := strings.Cut(url, "://")
	host, _, _ = strings.Cut(host, ":")
	d.mu.Lock()
	server := d.servers[host]
	d.mu.Unlock()
	if server == nil {
		return nil, errors.New("nothing listens there")
	}
	options.Guarded = false
	return fleetapi.NewClient(server.URL, options)
}
