package fleetserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeCertificate makes a self-signed pair for 127.0.0.1 and returns its paths.
func writeCertificate(t *testing.T, directory, name string) (cert, key string, parsed *x509.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encodedKey, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key")
	if err := errors.Join(
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encodedKey}), 0o600)); err != nil {
		t.Fatal(err)
	}
	parsed, err = x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, parsed
}

func TestNativeTLS(t *testing.T) {
	cert, key, parsed := writeCertificate(t, t.TempDir(), "first")
	r := startRunning(t, configOf(t, "ARGUS_FLEET_TLS_CERT_FILE", cert, "ARGUS_FLEET_TLS_KEY_FILE", key))
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	response, err := client.Post(r.url+"/api/session", "application/json", strings.NewReader(`{"token": "viewer-secret"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cookies := response.Cookies()
	if response.StatusCode != http.StatusNoContent || len(cookies) != 1 || !cookies[0].Secure || cookies[0].Name != secureSessionCookie {
		t.Errorf("signing in over TLS: %d %v", response.StatusCode, cookies)
	}
}

func TestACertificateIsReadAgainAndTheLastGoodOneKept(t *testing.T) {
	directory := t.TempDir()
	cert, key, first := writeCertificate(t, directory, "first")
	var told []string
	c := &certificate{certFile: cert, keyFile: key, reloaded: func(err error, changed bool) { told = append(told, fmt.Sprint(err != nil, changed)) }}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	name := func() string {
		t.Helper()
		leaf, err := x509.ParseCertificate(c.get().Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Subject.CommonName
	}
	if got := name(); got != first.Subject.CommonName {
		t.Errorf("%s", got)
	}
	writeCertificate(t, directory, "second")
	if got := name(); got != "first" {
		t.Errorf("%s at once, want the file to be read once a minute", got)
	}
	c.checked = time.Now().Add(-2 * certificateCheck)
	if got := name(); got != "second" {
		t.Errorf("%s after a minute, want second", got)
	}
	if err := os.WriteFile(cert, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.checked = time.Now().Add(-2 * certificateCheck)
		if got := name(); got != "second" {
			t.Errorf("%s with a broken file, want the last good one", got)
		}
	}
	writeCertificate(t, directory, "third")
	c.checked = time.Now().Add(-2 * certificateCheck)
	if got := name(); got != "third" {
		t.Errorf("%s after the trouble, want third", got)
	}
	if diff := cmp.Diff([]string{"false false", "true true", "true false", "false true"}, told); diff != "" {
		t.Errorf("told failures and changes (-want +got)\n%s", diff)
	}
}

func TestACertificateThatCannotBeReadAgainIsToldAndCounted(t *testing.T) {
	p := newPlane(t)
	for _, step := range []struct {
		err     error
		changed bool
	}{{errors.New("no PEM"), true}, {errors.New("no PEM"), false}, {nil, true}} {
		p.server.observeCertificate(step.err, step.changed)
	}
	for _, line := range []string{"cannot be read again, the last good one stays", "can be read again"} {
		if got := strings.Count(p.logs.String(), "the TLS certificate "+line); got != 1 {
			t.Errorf("%q is logged %d times, want once", line, got)
		}
	}
	if metrics := p.ask(get, "/metrics", "viewer", "").body; !strings.Contains(metrics, "argus_fleet_tls_reload_failures_total 2\n") {
		t.Error("/metrics does not count 2 failures")
	}
}

func TestAWrongCertificateStopsTheStart(t *testing.T) {
	config := configOf(t, "ARGUS_FLEET_TLS_CERT_FILE", "/no/such.crt", "ARGUS_FLEET_TLS_KEY_FILE", "/no/such.key")
	server, err := New(t.Context(), config, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "reading the TLS certificate /no/such.crt: ") {
		t.Errorf("%v", err)
	}
}
