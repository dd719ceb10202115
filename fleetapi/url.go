package fleetapi

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// QuoteURL quotes a configured URL for a message, without the password that
// somebody put into it. What cannot be read as a URL and may hold one is not
// shown at all.
func QuoteURL(value string) string {
	u, err := url.Parse(value)
	if err != nil || strings.Contains(value, "@") && u.User == nil {
		return "(not shown)"
	}
	return fmt.Sprintf("%q", u.Redacted())
}

// IsHost tells a name or an address from text that cannot be either: what has a colon is
// an IPv6 address. It takes a host without its port and brackets, as url.URL.Hostname
// returns it.
func IsHost(text string) bool {
	_, err := netip.ParseAddr(text)
	return text != "" && (err == nil || !strings.Contains(text, ":"))
}
