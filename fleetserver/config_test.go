package fleetserver

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/access"
	"github.com/argus-dev/argus-operator/fleetserver/analytics"
)

func lookup(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

var compareConfig = cmp.Options{
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.AllowUnexported(analytics.DSN{}),
}

func dsn(t *testing.T, text string) *analytics.DSN {
	t.Helper()
	parsed, err := analytics.ParseDSN(text)
	if err != nil {
		t.Fatal(err)
	}
	return &parsed
}

func TestConfigDefaults(t *testing.T) {
	got, err := ConfigFromEnv(lookup(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Host: "0.0.0.0", Port: 9190, StatePath: "argus-fleet-state.db", LegacyState: "argus-fleet-state.json", Namespace: "discord",
		HeartbeatInterval: 15 * time.Second, TTLFactor: 3, MaxClusters: 5000, MaxBodyBytes: 1 << 20,
		ViewCache: time.Second, RegisterBurst: 600, HeartbeatBurst: 60, ReadBurst: 120, LogFormat: "text",
	}
	if diff := cmp.Diff(want, got, compareConfig); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.TTL() != 45*time.Second || len(got.Warnings()) != 0 {
		t.Errorf("TTL %v, warnings %v", got.TTL(), got.Warnings())
	}
}

func TestConfigReadsEveryVariable(t *testing.T) {
	directory := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got, err := ConfigFromEnv(lookup(map[string]string{
		"ARGUS_FLEET_HOST": "::", "ARGUS_FLEET_PORT": " 9000 ", "ARGUS_FLEET_INSECURE": "Yes",
		"ARGUS_FLEET_TLS_CERT_FILE": "c", "ARGUS_FLEET_TLS_KEY_FILE": "k",
		"ARGUS_FLEET_TOKEN":               "shared",
		"ARGUS_FLEET_TOKEN_FILE":          "/nowhere", // the variable itself wins
		"ARGUS_FLEET_INGEST_TOKEN_FILE":   file("i", " new, old \n"),
		"ARGUS_FLEET_VIEWER_TOKEN":        "", // set and empty hides the file
		"ARGUS_FLEET_VIEWER_TOKEN_FILE":   "/nowhere",
		"ARGUS_FLEET_ADMIN_TOKEN_FILE":    file("a", "admin"),
		"ARGUS_FLEET_SECRET_PEPPER_FILE":  file("p", "pepper\n"),
		"ARGUS_FLEET_STATE":               "/data/s.db",
		"ARGUS_NAMESPACE":                 "bots",
		"ARGUS_FLEET_HEARTBEAT_INTERVAL":  "5",
		"ARGUS_FLEET_TTL_FACTOR":          "4",
		"ARGUS_FLEET_REQUIRE_LEASE":       "on",
		"ARGUS_FLEET_MAX_CLUSTERS":        "7",
		"ARGUS_FLEET_RETENTION_DAYS":      "2",
		"ARGUS_FLEET_MAX_BODY_BYTES":      "1000",
		"ARGUS_FLEET_VIEW_CACHE_MS":       "250",
		"ARGUS_FLEET_REGISTER_BURST":      "1",
		"ARGUS_FLEET_HEARTBEAT_BURST":     "2",
		"ARGUS_FLEET_READ_BURST":          "3",
		"ARGUS_FLEET_CORS_ORIGINS":        "https://a.example, https://b.example ,",
		"ARGUS_FLEET_TRUSTED_PROXY":       "1",
		"ARGUS_FLEET_TRUSTED_PROXIES":     "10.1.2.3/8, ::1",
		"ARGUS_FLEET_SCRAPE_ALLOW":        "10.0.0.0/8, .svc.cluster.local",
		"ARGUS_FLEET_AUDIT_LOG":           "true",
		"ARGUS_FLEET_LOG_FORMAT":          "json",
		"ARGUS_FLEET_PROMETHEUS_URL":      "http://prom:9090/x",
		"ARGUS_FLEET_PROMETHEUS_TOKEN":    "prom-token",
		"ARGUS_FLEET_PROMETHEUS_CA_FILE":  "ca.pem",
		"ARGUS_FLEET_CLICKHOUSE_DSN_FILE": file("dsn", "clickhouse://user:secret@ch/argus\n"),
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Host: "::", Port: 9000, Insecure: true, TLSCertFile: "c", TLSKeyFile: "k",
		Token: access.Secret{Value: "shared"}, IngestToken: access.Secret{Value: "new, old", File: filepath.Join(directory, "i")},
		AdminToken:   access.Secret{Value: "admin", File: filepath.Join(directory, "a")},
		SecretPepper: access.Secret{Value: "pepper", File: filepath.Join(directory, "p")},
		StatePath:    "/data/s.db", Namespace: "bots",
		HeartbeatInterval: 5 * time.Second, TTLFactor: 4, RequireLease: true, MaxClusters: 7, Retention: 48 * time.Hour,
		MaxBodyBytes: 1000, ViewCache: 250 * time.Millisecond, RegisterBurst: 1, HeartbeatBurst: 2, ReadBurst: 3,
		CORSOrigins: []string{"https://a.example", "https://b.example"}, TrustedProxy: true,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		ScrapeAllow:    ScrapeAllow{Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Suffixes: []string{".svc.cluster.local"}},
		AuditLog:       true, LogFormat: "json", PrometheusURL: "http://prom:9090/x",
		PrometheusToken: access.Secret{Value: "prom-token"}, PrometheusCAFile: "ca.pem", ClickHouse: dsn(t, "clickhouse://user:secret@ch/argus"),
	}
	if diff := cmp.Diff(want, got, compareConfig); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := len(got.Warnings()); n != 1 { // interval x factor
		t.Errorf("%d warnings: %v", n, got.Warnings())
	}
}

func TestAWrongValueIsOneLineThatNamesVariableAndValue(t *testing.T) {
	for name, value := range map[string]string{
		"ARGUS_FLEET_PORT": "65536", "ARGUS_FLEET_TTL_FACTOR": "0", "ARGUS_FLEET_HEARTBEAT_INTERVAL": "1.5",
		"ARGUS_FLEET_MAX_CLUSTERS": "", "ARGUS_FLEET_MAX_BODY_BYTES": "-1", "ARGUS_FLEET_READ_BURST": "many\nof them",
		"ARGUS_FLEET_INSECURE": "maybe", "ARGUS_FLEET_LOG_FORMAT": "xml", "ARGUS_NAMESPACE": "9 lives",
		"ARGUS_FLEET_CORS_ORIGINS": "*", "ARGUS_FLEET_TRUSTED_PROXIES": "proxy.example", "ARGUS_FLEET_SCRAPE_ALLOW": "*.x",
		"ARGUS_FLEET_PROMETHEUS_URL": "prom:9090", "ARGUS_FLEET_TLS_CERT_FILE": "only-one",
		"ARGUS_FLEET_VIEWER_TOKEN_FILE": "/no/such/file", "ARGUS_FLEET_RETENTION_DAYS": "forever",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ConfigFromEnv(lookup(map[string]string{name: value}), nil)
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), name+"=") {
				t.Fatalf("error %v, want one line that begins with %s=", err, name)
			}
			if first, _, _ := strings.Cut(value, "\n"); !strings.Contains(err.Error(), first) {
				t.Errorf("error %v does not name the value %q", err, value)
			}
		})
	}
}

// TestNoVariableTellsAPassword puts a URL with credentials where each kind of
// value is expected.
func TestNoVariableTellsAPassword(t *testing.T) {
	for name, value := range map[string]string{
		"ARGUS_FLEET_PROMETHEUS_URL": "https://user:sec%ret@prom", "ARGUS_FLEET_CLICKHOUSE_DSN": "clickhouse://user:sec%ret@",
		"ARGUS_FLEET_CORS_ORIGINS": "https://user:sec%ret@status.example", "ARGUS_FLEET_TRUSTED_PROXIES": "https://user:sec%ret@proxy",
		"ARGUS_FLEET_SCRAPE_ALLOW": "user:sec%ret@10.0.0.1", "ARGUS_FLEET_PORT": "tcp://user:sec%ret@10.0.0.1:9190",
		"ARGUS_FLEET_LOG_FORMAT": "https://user:sec%ret", "ARGUS_FLEET_INSECURE": "https://user:sec%ret@x",
	} {
		for _, form := range []string{value, strings.ReplaceAll(value, "%", "")} {
			_, err := ConfigFromEnv(lookup(map[string]string{name: form}), nil)
			if err == nil || !strings.HasPrefix(err.Error(), name+"=") {
				t.Errorf("%s=%s: %v, want an error that begins with the name", name, form, err)
				continue
			}
			if strings.Contains(err.Error(), "sec") {
				t.Errorf("%s: the password is told: %v", name, err)
			}
		}
	}
}

func TestWrongValuesOfOtherKinds(t *testing.T) {
	t.Run("a token file without a token", func(t *testing.T) {
		_, err := ConfigFromEnv(lookup(map[string]string{"ARGUS_FLEET_TOKEN_FILE": "f"}), func(string) ([]byte, error) { return []byte(" ,\n"), nil })
		if err == nil || !strings.Contains(err.Error(), "a file that holds a token") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a DSN is not told, for it may hold a password", func(t *testing.T) {
		_, err := ConfigFromEnv(lookup(map[string]string{"ARGUS_FLEET_CLICKHOUSE_DSN": "mysql://user:secret@ch"}), nil)
		want := "ARGUS_FLEET_CLICKHOUSE_DSN=(not shown): must be clickhouse://[user[:password]@]host[:port][/database], or clickhouses, http or https instead"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
	t.Run("the address of Prometheus is told without its password", func(t *testing.T) {
		_, err := ConfigFromEnv(lookup(map[string]string{"ARGUS_FLEET_PROMETHEUS_URL": "https://user:secret@prom"}), nil)
		want := `ARGUS_FLEET_PROMETHEUS_URL="https://user:xxxxx@prom": must be http://host or https://host, without credentials`
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
	t.Run("a body may be as large as leaves room for several", func(t *testing.T) {
		for value, ok := range map[string]bool{"33554432": true, "33554433": false} {
			_, err := ConfigFromEnv(lookup(map[string]string{"ARGUS_FLEET_MAX_BODY_BYTES": value}), nil)
			if (err == nil) != ok {
				t.Errorf("%s: %v, want ok = %v", value, err, ok)
			}
		}
	})
	t.Run("only the first is told", func(t *testing.T) {
		_, err := ConfigFromEnv(lookup(map[string]string{"ARGUS_FLEET_PORT": "x", "ARGUS_FLEET_READ_BURST": "y"}), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "ARGUS_FLEET_PORT=") || strings.Contains(err.Error(), "READ_BURST") {
			t.Errorf("error %v", err)
		}
	})
}

func TestWarnings(t *testing.T) {
	for name, tc := range map[string]struct {
		values map[string]string
		want   []string
	}{
		"the defaults": {nil, nil},
		"a short TTL": {map[string]string{"ARGUS_FLEET_HEARTBEAT_INTERVAL": "5"}, []string{
			"ARGUS_FLEET_HEARTBEAT_INTERVAL x ARGUS_FLEET_TTL_FACTOR is 15s: argus-dpy members beat every 15 s and will be shown down and up in turn; 35s or more is safe",
		}},
		"analytics that nobody may ask": {map[string]string{"ARGUS_FLEET_CLICKHOUSE_DSN": "http://ch"}, []string{
			"ARGUS_FLEET_CLICKHOUSE_DSN is set without a viewer token: questions about guilds stay unanswered until ARGUS_FLEET_VIEWER_TOKEN or ARGUS_FLEET_TOKEN is set",
		}},
		"analytics behind a token": {map[string]string{"ARGUS_FLEET_CLICKHOUSE_DSN": "http://ch", "ARGUS_FLEET_TOKEN": "x"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := ConfigFromEnv(lookup(tc.values), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, config.Warnings()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestListenerFromEnvReadsNothingElse(t *testing.T) {
	got, err := ListenerFromEnv(lookup(map[string]string{
		"ARGUS_FLEET_HOST": "::1", "ARGUS_FLEET_PORT": "9", "ARGUS_FLEET_TLS_CERT_FILE": "c", "ARGUS_FLEET_TLS_KEY_FILE": "k",
		"ARGUS_FLEET_TOKEN_FILE": "/no/such/file", "ARGUS_FLEET_CLICKHOUSE_DSN": "rubbish",
	}))
	want := Config{Host: "::1", Port: 9, TLSCertFile: "c", TLSKeyFile: "k"}
	if diff := cmp.Diff(want, got, compareConfig); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestCheckBind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		values map[string]string
		ok     bool
	}{
		"public without a token":        {nil, false},
		"public with one split token":   {map[string]string{"ARGUS_FLEET_INGEST_TOKEN": "x"}, false},
		"public with the other":         {map[string]string{"ARGUS_FLEET_VIEWER_TOKEN": "x"}, false},
		"public with an empty list":     {map[string]string{"ARGUS_FLEET_TOKEN": " , "}, false},
		"public with an admin token":    {map[string]string{"ARGUS_FLEET_ADMIN_TOKEN": "x"}, false},
		"public with both split tokens": {map[string]string{"ARGUS_FLEET_INGEST_TOKEN": "x", "ARGUS_FLEET_VIEWER_TOKEN": "y"}, true},
		"public with a shared token":    {map[string]string{"ARGUS_FLEET_TOKEN": "x"}, true},
		"public with a token file":      {map[string]string{"ARGUS_FLEET_TOKEN_FILE": file}, true},
		"public with one token file":    {map[string]string{"ARGUS_FLEET_INGEST_TOKEN_FILE": file}, false},
		"public and insecure":           {map[string]string{"ARGUS_FLEET_INSECURE": "1"}, true},
		"127.0.0.1":                     {map[string]string{"ARGUS_FLEET_HOST": "127.0.0.1"}, true},
		"::1":                           {map[string]string{"ARGUS_FLEET_HOST": "::1"}, true},
		"localhost":                     {map[string]string{"ARGUS_FLEET_HOST": "localhost"}, true},
		"a look-alike of loopback":      {map[string]string{"ARGUS_FLEET_HOST": "127.0.0.1.example"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := ConfigFromEnv(lookup(tc.values), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := config.CheckBind(); (got == nil) != tc.ok {
				t.Errorf("%v, want ok = %v", got, tc.ok)
			}
		})
	}
	t.Run("the refusal comes before the state is looked at", func(t *testing.T) {
		config, err := ConfigFromEnv(lookup(map[string]string{"ARGUS_FLEET_STATE": "/no/such/directory/state.db"}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(t.Context(), config, Deps{}); err == nil || !strings.HasPrefix(err.Error(), "refusing to bind 0.0.0.0:9190") {
			t.Errorf("%v, want the bind to be refused", err)
		}
	})
}

func TestEveryVariableOfTheWireIsRead(t *testing.T) {
	asked := map[string]bool{}
	if _, err := ConfigFromEnv(func(name string) (string, bool) { asked[name] = true; return "", false }, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		fleetapi.EnvFleetHost, fleetapi.EnvFleetPort, fleetapi.EnvFleetToken, fleetapi.EnvFleetIngestToken, fleetapi.EnvFleetViewerToken,
		fleetapi.EnvFleetAdminToken, fleetapi.EnvFleetSecretPepper, fleetapi.EnvFleetHeartbeatInterval, fleetapi.EnvFleetTTLFactor,
		fleetapi.EnvFleetState, fleetapi.EnvFleetPrometheusURL, fleetapi.EnvFleetPrometheusToken, fleetapi.EnvFleetPrometheusCAFile, fleetapi.EnvMetricPrefix, fleetapi.EnvFleetClickHouseDSN,
		fleetapi.EnvFleetInsecure, fleetapi.EnvFleetMaxBodyBytes, fleetapi.EnvFleetCORSOrigins, fleetapi.EnvFleetViewCacheMillis,
		fleetapi.EnvFleetMaxClusters, fleetapi.EnvFleetRegisterBurst, fleetapi.EnvFleetHeartbeatBurst, fleetapi.EnvFleetReadBurst,
		fleetapi.EnvFleetRetentionDays, fleetapi.EnvFleetAuditLog, fleetapi.EnvFleetTrustedProxy, fleetapi.EnvFleetTrustedProxies,
		fleetapi.EnvFleetLogFormat, fleetapi.EnvFleetRequireLease, fleetapi.EnvFleetScrapeAllow, fleetapi.EnvFleetTLSCertFile, fleetapi.EnvFleetTLSKeyFile,
	} {
		if !asked[name] {
			t.Errorf("%s is not read", name)
		}
	}
}

func TestScrapeAllow(t *testing.T) {
	narrow := ScrapeAllow{Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Suffixes: []string{".cluster.local"}}
	for target, want := range map[string]struct{ open, narrow bool }{
		"10.1.2.3:9191":                 {true, true},
		"192.168.1.1:9191":              {true, false},
		"[fd00::1]:9191":                {true, false},
		"bot-0.bots.cluster.local:9191": {true, true},
		"evilcluster.local:9191":        {true, false},
		"bot:9191":                      {true, false},
		"127.0.0.1:9191":                {},
		"[::ffff:127.0.0.1]:1":          {},
		"127.1:80":                      {},
		"2130706433:80":                 {},
		"0x7f.1:80":                     {},
		"localhost:80":                  {},
		"LOCALHOST.:80":                 {},
		"x.localhost:80":                {},
		"localhost.localdomain:80":      {},
		"localhost6:80":                 {},
		"ip6-localhost:80":              {},
		"x.ip6-loopback:80":             {},
		"[64:ff9b::a9fe:a9fe]:80":       {},
		"[64:ff9b::a01:203]:9191":       {},
		"h:+80":                         {},
		"h:0080":                        {},
		"h:65536":                       {},
		"h:99999":                       {},
		"mylocalhost:65535":             {true, false},
		"169.254.169.254:80":            {},
		"[fe80::1%eth0]:80":             {},
		"0.0.0.0:80":                    {},
		"224.0.0.1:80":                  {},
		"10.1.2.3":                      {},
		"10.1.2.3:0":                    {},
		"10.1.2.3:http":                 {},
		"http://10.1.2.3:80/x":          {},
		"a b:80":                        {},
	} {
		if got := (ScrapeAllow{}).allows(target); got != want.open {
			t.Errorf("%s without a list: %v, want %v", target, got, want.open)
		}
		if got := narrow.allows(target); got != want.narrow {
			t.Errorf("%s with a list: %v, want %v", target, got, want.narrow)
		}
	}
}
