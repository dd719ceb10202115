//go:build e2e

package prometheus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/source"
	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
)

// window is how long the source uses an answer.
const window = 250 * time.Millisecond

// server is a real Prometheus behind TLS. It can be killed and started again.
type server struct {
	directory string
	address   string
	process   *process
}

// newPrometheus configures a server that scrapes every second what the control
// plane lists, and one address that it is told, without a label.
func newPrometheus(t *testing.T, planeURL, address string) *server {
	t.Helper()
	if err := cluster.InstallPackages(t.Context(), os.Stderr, map[string]string{"prometheus": "prometheus"}); err != nil {
		t.Fatal(err)
	}
	s := &server{directory: t.TempDir(), address: freeAddress(t)}
	s.write(t, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: argus # type is the default, but http_sd of Prometheus 2.42 sends none
    http_sd_configs:
      - url: %s%s
        refresh_interval: 1s
        authorization: {type: Bearer, credentials: %s}
  - job_name: static
    static_configs: [{targets: [%q]}]
`, planeURL, fleetapi.PathTargets, viewerToken, address))
	s.write(t, "web.yml", "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n")
	s.certify(t)
	return s
}

func (s *server) path(name string) string { return filepath.Join(s.directory, name) }

func (s *server) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certify makes a certificate for 127.0.0.1 that nobody trusts who was not told.
func (s *server) certify(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "tls.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	s.write(t, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = launch(t, `msg="(Server is ready)`, nil, "prometheus",
		"--config.file="+s.path("prometheus.yml"), "--web.config.file="+s.path("web.yml"),
		"--web.listen-address="+s.address, "--storage.tsdb.path="+s.path("data"))
}

// source is the control plane's view of the server.
func (s *server) source(t *testing.T, logger *slog.Logger) *source.Prometheus {
	t.Helper()
	p, err := source.NewPrometheus(source.PrometheusOptions{
		URL: "https://" + s.address, CAFile: s.path("tls.crt"), Prefix: fleetapi.DefaultMetricPrefix, Window: window, Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// await waits until Prometheus and the pushes know the rates of both bots.
func (s *server) await(t *testing.T, polled *source.Composite, plane *plane) {
	t.Helper()
	eventually(t, func() string {
		latest := polled.Latest()
		for _, identity := range []string{discovered, static} {
			for from, values := range map[string]source.Values{"Prometheus": latest(identity), "the bot": plane.push.Values(identity)} {
				if slices.Contains(values.Missing, "interactions_rate") || slices.Contains(values.Missing, "duration_p95_seconds") {
					return fmt.Sprintf("%s has of %s no %v", from, identity, values.Missing)
				}
			}
		}
		return ""
	})
}
