package fleetserver

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const maxScrapeTarget = 253 + 6

// hostName matches a lower-case name. Its last label is no number: 127.1 and
// 0x7f.1 are addresses to some resolvers.
var hostName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z_]([a-z0-9_-]*[a-z0-9_])?$`)

// scrapePort matches the one way to write a port: +80 and 0080 are others to some.
var scrapePort = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)

// localName matches a label that the usual hosts files give to this machine:
// localhost, localhost4, localhost6, ip6-localhost, ip6-loopback and their like.
var localName = regexp.MustCompile(`(^|\.)(localhost|ip6-)`)

// translated is where NAT64 has every IPv4 address once more, local ones among them.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// ScrapeAllow narrows the scrape targets that members may announce. Empty
// allows every target that is not local.
type ScrapeAllow struct {
	Prefixes []netip.Prefix
	Suffixes []string
}

// allows reports whether Prometheus may be told to scrape target, a host:port.
// Whatever leads back to the scraper itself or to its link is refused, because
// any holder of the ingest token can announce a target.
func (a ScrapeAllow) allows(target string) bool {
	host, port, err := net.SplitHostPort(target)
	if err != nil || len(target) > maxScrapeTarget {
		return false
	}
	if number, err := strconv.Atoi(port); err != nil || number > 65535 || !scrapePort.MatchString(port) {
		return false
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return a.allowsAddress(address.Unmap())
	}
	return a.allowsName(strings.ToLower(strings.TrimSuffix(host, ".")))
}

func (a ScrapeAllow) allowsAddress(address netip.Addr) bool {
	if address.Zone() != "" || address.IsLoopback() || address.IsLinkLocalUnicast() || address.IsMulticast() || address.IsUnspecified() || translated.Contains(address) {
		return false
	}
	if len(a.Prefixes)+len(a.Suffixes) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Prefixes, func(p netip.Prefix) bool { return p.Contains(address) })
}

func (a ScrapeAllow) allowsName(name string) bool {
	if !hostName.MatchString(name) || localName.MatchString(name) {
		return false
	}
	if len(a.Prefixes)+len(a.Suffixes) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Suffixes, func(suffix string) bool {
		suffix = strings.ToLower(strings.TrimPrefix(suffix, "."))
		return name == suffix || strings.HasSuffix(name, "."+suffix)
	})
}
