package fleetserver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies knows whose X-Forwarded-For to believe.
type proxies struct {
	prefixes []netip.Prefix
	// direct trusts the peer whatever its address, and nobody behind it.
	direct bool
}

// client is the address of the client: the right-most hop that no trusted
// proxy is. It is invalid if the peer has none.
func (p proxies) client(r *http.Request) netip.Addr {
	hop, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := hop.Addr().Unmap().WithZone("")
	if !p.direct && !p.trusted(address) {
		return address
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(hops) {
		next, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			return address
		}
		address = next.Unmap().WithZone("")
		if !p.trusted(address) {
			return address
		}
	}
	return address
}

// secure reports that the client's connection is encrypted: here, or at a
// trusted proxy that says so.
func (p proxies) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	hop, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || (!p.direct && !p.trusted(hop.Addr().Unmap().WithZone(""))) {
		return false
	}
	return r.Header.Get("X-Forwarded-Proto") == "https"
}

func (p proxies) trusted(address netip.Addr) bool {
	return slices.ContainsFunc(p.prefixes, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// limitKey is what an address is limited by: IPv6 hosts own a whole /64.
func limitKey(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.Addr()
}
