package analytics

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseDSN(t *testing.T) {
	for text, want := range map[string]struct{ address, user, password string }{
		"clickhouse://db":                           {"http://db:8123/", "", ""},
		"http://db":                                 {"http://db:8123/", "", ""},
		"clickhouses://db":                          {"https://db:8443/", "", ""},
		"https://db/":                               {"https://db:8443/", "", ""},
		"CLICKHOUSE://db":                           {"http://db:8123/", "", ""},
		" http://db:80\n":                           {"http://db:80/", "", ""},
		"http://db:8443":                            {"http://db:8443/", "", ""},
		"clickhouse://db:8443":                      {"https://db:8443/", "", ""},
		"clickhouse://db:443":                       {"https://db:443/", "", ""},
		"clickhouse://db?secure=True":               {"https://db:8443/", "", ""},
		"clickhouse://db?secure=false&compress=lz4": {"http://db:8123/", "", ""},
		"clickhouse://reader:s3cret@db.argus.svc/events": {"http://db.argus.svc:8123/events", "reader", "s3cret"},
		"clickhouse://reader@db":                         {"http://db:8123/", "reader", ""},
		"clickhouse://:s3cret@db":                        {"http://db:8123/", "", "s3cret"},
		"clickhouse://r%40x:p%2F%3A%40%20%25@db":         {"http://db:8123/", "r@x", "p/:@ %"},
		"clickhouse://r:%C3%A9@[2001:db8::1]:9999/a%20b": {"http://[2001:db8::1]:9999/a b", "r", "é"},
		"https://[::1]":                                  {"https://[::1]:8443/", "", ""},
		"clickhouse://r:s3@cret@db":                      {"http://db:8123/", "r", "s3@cret"},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseDSN(text)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != want.address || got.user != want.user || got.password != want.password {
				t.Errorf("%s, user %q, password %q; want %+v", got, got.user, got.password, want)
			}
		})
	}
}

func TestABadDSNIsRefusedAndNotQuoted(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                       "",
		"no scheme":                     "db:8123",
		"only a name":                   "s3cret",
		"another scheme":                "tcp://r:s3cret@db:9000",
		"no host":                       "clickhouse:///s3cret",
		"no host, but a port":           "clickhouse://:8123",
		"a port that is a word":         "clickhouse://db:s3cret",
		"a port that is too high":       "clickhouse://r:s3cret@db:65536",
		"port 0":                        "clickhouse://r:s3cret@db:0",
		"a password with a slash":       "clickhouse://r:s3cret/x@db",
		"a password with a question":    "clickhouse://r:s3cret?x@db",
		"a broken escape":               "clickhouse://r:s3cret%zz@db",
		"a line feed in the password":   "clickhouse://r:s3cret%0aX-Evil:1@db",
		"a control character in a name": "clickhouse://r%00:s3cret@db",
		"a space in the host":           "clickhouse://r:s3cret@d b",
		"nothing but colons for a host": "clickhouse://::",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseDSN(text)
			if err == nil {
				t.Fatalf("accepted as %s", got)
			}
			if said := err.Error(); said != errDSN.Error() || strings.ContainsAny(said, "\n") {
				t.Errorf("it says %q", said)
			}
		})
	}
}

func TestADSNPrintsNoCredential(t *testing.T) {
	dsn, err := ParseDSN("clickhouse://reader:s3cret@db/events")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, value := range []any{dsn, &dsn, struct{ D DSN }{dsn}, []DSN{dsn}} {
			if printed := fmt.Sprintf(verb, value); strings.Contains(printed, "s3cret") || strings.Contains(printed, "reader") {
				t.Errorf("%s of a %T shows %s", verb, value, printed)
			}
		}
	}
	if encoded := jsonOf(t, dsn); encoded != "{}" {
		t.Errorf("as JSON it is %s", encoded)
	}
}

func FuzzParseDSN(f *testing.F) {
	f.Add("clickhouse://r:s3cret@db/events")
	f.Add("https://[::1]:8443?secure=true")
	f.Fuzz(func(t *testing.T, text string) {
		dsn, err := ParseDSN(text)
		if err != nil {
			return
		}
		again, err := ParseDSN(dsn.base.String())
		if err != nil || again.base.Host != dsn.base.Host {
			t.Errorf("%q is at %s, which is not an address: %v", text, dsn.base.String(), err)
		}
	})
}
