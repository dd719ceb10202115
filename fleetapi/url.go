package fleetapi

import (
	"fmt"
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
