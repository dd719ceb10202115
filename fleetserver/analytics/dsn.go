package analytics

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// Default ports of ClickHouse's HTTP interface.
const (
	httpPort  = "8123"
	httpsPort = "8443"
)

// errDSN is all that is said of a DSN that cannot be used, because any part of
// it may be the password.
var errDSN = errors.New("must be clickhouse://[user[:password]@]host[:port][/database], or clickhouses, http or https instead")

// DSN is where ClickHouse is and who asks it. Printing one shows no credential.
type DSN struct {
	base           url.URL // scheme, host and port
	user, password string
	database       string
}

// ParseDSN reads scheme://[user[:password]@]host[:port][/database]. All schemes
// mean ClickHouse's HTTP interface: http and clickhouse without TLS (port 8123),
// https and clickhouses with it (8443). As in argus-dpy, clickhouse turns to
// TLS with ?secure=true or on port 443 or 8443; other options are those of
// client libraries and are ignored. Its error never quotes the DSN.
func ParseDSN(text string) (DSN, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return DSN{}, errDSN // not wrapped: it quotes the password
	}
	secure, err := secured(u)
	if err != nil {
		return DSN{}, err
	}
	dsn := DSN{base: url.URL{Scheme: "http", Path: "/"}, user: u.User.Username(), database: strings.Trim(u.Path, "/")}
	dsn.password, _ = u.User.Password()
	port := u.Port()
	if secure {
		dsn.base.Scheme = "https"
	}
	if port == "" {
		port = map[bool]string{false: httpPort, true: httpsPort}[secure]
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if !isHost(u.Hostname()) || err != nil || number == 0 || hasControl(dsn.user+dsn.password+dsn.database) {
		return DSN{}, errDSN
	}
	dsn.base.Host = net.JoinHostPort(u.Hostname(), port)
	return dsn, nil
}

// secured reports whether a DSN asks for TLS.
func secured(u *url.URL) (bool, error) {
	switch u.Scheme {
	case "http":
		return false, nil
	case "https", "clickhouses":
		return true, nil
	case "clickhouse":
		return u.Port() == "443" || u.Port() == httpsPort || strings.EqualFold(u.Query().Get("secure"), "true"), nil
	}
	return false, errDSN
}

// isHost tells a name or an address from text that cannot be either: what has a colon
// is an IPv6 address.
func isHost(text string) bool {
	_, err := netip.ParseAddr(text)
	return text != "" && (err == nil || !strings.Contains(text, ":"))
}

func hasControl(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// String is the address and the database.
func (d DSN) String() string { return d.base.Scheme + "://" + d.base.Host + "/" + d.database }

// GoString is String: %#v shows no credential either.
func (d DSN) GoString() string { return d.String() }
