package source

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/access"
)

const (
	// maxReply bounds one reply: some 500,000 rows.
	maxReply = 64 << 20
	// maxIdle keeps the connections of a whole round for the next one.
	maxIdle = 16
)

// prometheusTransport adds the token, trusts the authorities of a file, and
// bounds replies. Both files are followed as they change.
type prometheusTransport struct {
	token    access.Secret
	caFile   string
	readFile func(string) ([]byte, error)

	mu   sync.Mutex
	ca   []byte // what base trusts
	base *http.Transport
}

// newPrometheusTransport fails if there is a CA file and it cannot be used.
func newPrometheusTransport(options PrometheusOptions) (*prometheusTransport, error) {
	t := &prometheusTransport{token: options.Token, caFile: options.CAFile, readFile: options.ReadFile}
	if t.readFile == nil {
		t.readFile = os.ReadFile
	}
	_, err := t.current()
	return t, err
}

// RoundTrip implements http.RoundTripper.
func (t *prometheusTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := t.bearer()
	if err != nil {
		return nil, err
	}
	base, err := t.current()
	if err != nil {
		return nil, err
	}
	if token != "" {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = &boundedBody{response.Body, maxReply}
	return response, nil
}

func (t *prometheusTransport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base.CloseIdleConnections()
}

// bearer is the present token, or "" if there is none.
func (t *prometheusTransport) bearer() (string, error) {
	if t.token.File == "" {
		return strings.TrimSpace(t.token.Value), nil
	}
	content, err := t.readFile(t.token.File)
	if err != nil {
		return "", fmt.Errorf("reading the token of Prometheus: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("the token file %s is empty", t.token.File)
	}
	return token, nil
}

// current returns a transport that trusts what the CA file holds now. While the
// file cannot be used, a transport that could is kept.
func (t *prometheusTransport) current() (*http.Transport, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.caFile == "" {
		if t.base == nil {
			t.base = newTransport(nil)
		}
		return t.base, nil
	}
	ca, err := t.readFile(t.caFile)
	if err == nil && t.base != nil && bytes.Equal(ca, t.ca) {
		return t.base, nil
	}
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(ca) {
		err = errors.New("it holds no PEM certificate")
	}
	switch {
	case err == nil:
		if t.base != nil {
			t.base.CloseIdleConnections()
		}
		t.base, t.ca = newTransport(roots), ca
	case t.base == nil:
		return nil, fmt.Errorf("reading the CA file of Prometheus %s: %w", t.caFile, err)
	}
	return t.base, nil
}

func newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: maxIdle,
		IdleConnTimeout:     90 * time.Second,
	}
}

var errReplyTooLarge = fmt.Errorf("a reply of more than %d bytes", maxReply)

// boundedBody fails when more than the rest is read from it.
type boundedBody struct {
	io.ReadCloser
	rest int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.rest -= int64(n); b.rest < 0 {
		return 0, errReplyTooLarge
	}
	return n, err
}
