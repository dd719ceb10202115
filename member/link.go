package member

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// link holds the client of the control plane. It is used by one goroutine.
type link struct {
	config Config
	client *fleetapi.Client
	ca     []byte
}

// get returns the client, a new one if the CA file has changed since the last
// call. While the file cannot be used, a client that could is kept.
func (l *link) get() (*fleetapi.Client, error) {
	ca, roots, err := l.roots()
	switch {
	case err != nil && l.client != nil:
		return l.client, nil
	case err != nil:
		return nil, &configError{err}
	case l.client != nil && bytes.Equal(ca, l.ca):
		return l.client, nil
	}
	options := fleetapi.ClientOptions{Token: l.config.token}
	if roots != nil {
		options.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	client, err := fleetapi.NewClient(l.config.URL, options)
	if err != nil {
		return nil, &configError{err}
	}
	l.close()
	l.client, l.ca = client, ca
	return client, nil
}

// roots reads the CA file; both results are nil without one.
func (l *link) roots() ([]byte, *x509.CertPool, error) {
	if l.config.CAFile == "" {
		return nil, nil, nil
	}
	ca, err := l.config.read(l.config.CAFile)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the file of %s: %w", fleetapi.EnvMemberFleetCAFile, err)
	}
	if l.client != nil && bytes.Equal(ca, l.ca) {
		return ca, nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, nil, errors.New("the file of " + fleetapi.EnvMemberFleetCAFile + " holds no PEM certificate")
	}
	return ca, roots, nil
}

// close ends the idle connections; a closed link may be used again.
func (l *link) close() {
	if l.client != nil {
		l.client.Close()
	}
}
