package fleetserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// variables are all that the configuration reads, in their order.
func variables() []string {
	var names []string
	_, _ = ConfigFromEnv(func(name string) (string, bool) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return "", false
	}, nil)
	return names
}

func secretVariable(name string) bool {
	return strings.HasSuffix(name, "_TOKEN") || strings.HasSuffix(name, "_PEPPER") || strings.HasSuffix(name, "_DSN")
}

// FuzzConfig sets two variables to anything, and gives every file any content.
// A refusal is one line that names a variable, and never says a secret.
func FuzzConfig(f *testing.F) {
	names := variables()
	f.Add(0, "127.0.0.1", 1, "9190", "")
	f.Fuzz(func(t *testing.T, first int, firstValue string, second int, secondValue, content string) {
		one, two := names[abs(first)%len(names)], names[abs(second)%len(names)]
		values := map[string]string{one: firstValue, two: secondValue}
		config, err := ConfigFromEnv(lookup(values), func(string) ([]byte, error) {
			if content == "" {
				return nil, errors.New("no such file")
			}
			return []byte(content), nil
		})
		if err == nil {
			checkConfig(t, config)
			return
		}
		checkRefusal(t, err.Error(), one, two, values, content)
	})
}

// checkRefusal looks at what is said of a configuration with two variables and files.
func checkRefusal(t *testing.T, line, one, two string, values map[string]string, content string) {
	t.Helper()
	if strings.ContainsAny(line, "\r\n") || !strings.Contains(line, one) && !strings.Contains(line, two) {
		t.Fatalf("the refusal is not one line about a variable: %q", line)
	}
	for name, value := range values {
		// A short value may stand in the message by chance.
		if secretVariable(name) && len(value) > 12 && strings.Contains(line, value) {
			t.Fatalf("the refusal tells %s: %q", name, line)
		}
	}
	if len(content) > 12 && !strings.Contains(values[one]+values[two], content) && strings.Contains(line, content) {
		t.Fatalf("the refusal tells what is in a file: %q", line)
	}
}

func TestARefusedURLDoesNotTellItsPassword(t *testing.T) {
	_, err := ConfigFromEnv(lookup(map[string]string{fleetapi.EnvFleetPrometheusURL: "http://reader:hidden-secret@prometheus:9090"}), nil)
	if err == nil || strings.Contains(err.Error(), "hidden-secret") || !strings.Contains(err.Error(), fleetapi.EnvFleetPrometheusURL) {
		t.Errorf("%v", err)
	}
}

func abs(i int) int { return max(i, -(i + 1)) }

// checkConfig wants what the rest of the server takes for granted.
func checkConfig(t *testing.T, c Config) {
	t.Helper()
	positive := map[string]int64{
		fleetapi.EnvFleetHeartbeatInterval: int64(c.HeartbeatInterval), fleetapi.EnvFleetTTLFactor: int64(c.TTLFactor), "TTL": int64(c.TTL()),
		fleetapi.EnvFleetMaxClusters: int64(c.MaxClusters), fleetapi.EnvFleetMaxBodyBytes: c.MaxBodyBytes,
		fleetapi.EnvFleetRegisterBurst: int64(c.RegisterBurst), fleetapi.EnvFleetHeartbeatBurst: int64(c.HeartbeatBurst), fleetapi.EnvFleetReadBurst: int64(c.ReadBurst),
	}
	for name, value := range positive {
		if value < 1 {
			t.Fatalf("%s is %d", name, value)
		}
	}
	if c.Port < 0 || c.Port > 65535 || c.Retention < 0 || c.ViewCache < 0 || c.StatePath == "" || c.Namespace == "" {
		t.Fatalf("accepted %+v", c)
	}
	if slices.Contains(c.CORSOrigins, "*") {
		t.Fatal("every origin is allowed")
	}
	_, _ = c.Warnings(), c.CheckBind() // must not panic
}

// FuzzForwardedFor sends anything as X-Forwarded-For: whatever it says, a
// client chooses nothing by it but what stands right of its own address.
func FuzzForwardedFor(f *testing.F) {
	trusting := proxies{prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	f.Add("198.51.100.7, 10.2.2.2", "203.0.113.9")
	f.Fuzz(func(t *testing.T, header, claim string) {
		const stranger, proxy = "192.0.2.1", "10.0.0.1"
		address := func(p proxies, peer string, headers ...string) netip.Addr {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = peer+":5", headers
			return p.client(r)
		}
		for _, distrusting := range []netip.Addr{address(proxies{}, stranger, header), address(trusting, stranger, header)} {
			if distrusting.String() != stranger {
				t.Fatalf("a stranger's %q made it %s", header, distrusting)
			}
		}
		behind := address(trusting, proxy, header)
		if !behind.IsValid() || behind.Zone() != "" || behind.Is4In6() {
			t.Fatalf("%q gives %s", header, behind)
		}
		if behind.String() != proxy && !named(header, behind) {
			t.Fatalf("%q gives %s, which it does not name", header, behind)
		}
		if !trusting.trusted(behind) { // else every hop is a proxy of ours, as far as they can be read
			checkClaim(t, func(headers ...string) netip.Addr { return address(trusting, proxy, headers...) }, behind, header, claim)
		}
	})
}

// checkClaim puts a claim in front of a header that gave an address: that
// changes nothing.
func checkClaim(t *testing.T, address func(headers ...string) netip.Addr, behind netip.Addr, header, claim string) {
	t.Helper()
	// The proxy has written the client's address behind what it claimed.
	for _, spoofed := range [][]string{{claim + "," + header}, {claim, header}} {
		if got := address(spoofed...); got != behind {
			t.Fatalf("claiming %q in front of %q turned %s into %s", claim, header, behind, got)
		}
	}
	if got := limitKey(behind); got.Is4() != behind.Is4() || !got.IsValid() {
		t.Fatalf("%s is limited as %s", behind, got)
	}
}

// named reports that an address stands in a header, in whatever form.
func named(header string, want netip.Addr) bool {
	return slices.ContainsFunc(strings.Split(header, ","), func(hop string) bool {
		got, err := netip.ParseAddr(strings.TrimSpace(hop))
		return err == nil && fmt.Sprint(got.Unmap().WithZone("")) == want.String()
	})
}
