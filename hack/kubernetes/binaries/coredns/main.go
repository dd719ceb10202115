// CoreDNS with only the plugins that a cluster's DNS needs: the stock binary
// links some sixty, cloud clients among them, and takes three times as long to build.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
)

func main() {
	// The order is the order in which a query passes the plugins (plugin.cfg of CoreDNS).
	dnsserver.Directives = []string{"reload", "bind", "errors", "health", "ready", "cache", "kubernetes", "forward"}
	coremain.Run()
}
