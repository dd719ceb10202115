package member

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// selfSigned returns a certificate for 127.0.0.1 and its PEM, which is its own CA.
func selfSigned(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestACAFileThatChangesIsFollowed(t *testing.T) {
	certificate, ca := selfSigned(t)
	_, otherCA := selfSigned(t)
	path := filepath.Join(t.TempDir(), "ca.crt")
	write := func(content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Error(err)
		}
	}
	j := &journal{}
	p := &plane{journal: j, script: []reply{registered(1), status(204), status(204), status(204)}}
	p.server = httptest.NewUnstartedServer(p)
	p.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of each handshake that we refuse
	p.server.StartTLS()
	t.Cleanup(p.server.Close)

	var classes []ErrorClass
	var m *Member
	steps := []func(){
		func() { write([]byte("no certificate")) },
		func() { write(otherCA) },
		func() { write(ca) },
		func() { write([]byte("half a certifi")) }, // the one that worked is kept
		func() { _ = os.Remove(path) },
		func() {},
	}
	m = New(Config{URL: p.server.URL, Identity: identityA0, CAFile: path}, Options{Random: middle, Clock: newScriptClock(j, func(waits int) {
		classes = append(classes, m.State().LastError)
		steps[waits-1]()
	})})
	for range steps {
		_ = m.clock.Sleep(t.Context(), m.step(t.Context()))
	}
	m.link.close()
	want := []ErrorClass{ErrorConfig, ErrorConfig, ErrorTLS, ErrorNone, ErrorNone, ErrorNone}
	if diff := cmp.Diff(want, classes); diff != "" {
		t.Errorf("error classes after each step (-want +got):\n%s", diff)
	}
	if len(p.recorded()) != 4 {
		t.Errorf("the control plane was called %d times, want 4", len(p.recorded()))
	}
}

func TestBeatsShareOneConnection(t *testing.T) {
	j := &journal{}
	p := &plane{journal: j, script: append([]reply{registered(1)}, repeat(status(204), 20)...)}
	p.server = httptest.NewUnstartedServer(p)
	connections := make(chan net.Conn, 100)
	p.server.Config.ConnState = countNew(connections)
	p.server.Start()
	t.Cleanup(p.server.Close)
	run(t, Config{URL: p.server.URL, Identity: identityA0}, Options{}, j, func(int) bool { return p.done() })
	if len(connections) != 1 {
		t.Errorf("21 calls used %d connections, want 1", len(connections))
	}
}

func countNew(connections chan<- net.Conn) func(net.Conn, http.ConnState) {
	return func(connection net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections <- connection
		}
	}
}
