package fleetserver

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// certificateCheck is how old a loaded certificate may get before the files are
// read again.
const certificateCheck = time.Minute

// secureListener speaks TLS with the configured certificate, which is read
// again as it changes.
func (s *Server) secureListener(inner net.Listener) (net.Listener, error) {
	c := &certificate{certFile: s.config.TLSCertFile, keyFile: s.config.TLSKeyFile, reloaded: s.observeCertificate}
	if err := c.load(); err != nil {
		return nil, err
	}
	return tls.NewListener(inner, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}), nil
}

type certificate struct {
	certFile, keyFile string
	// reloaded is told what became of each reading after the first; changed is
	// set when the one before went otherwise.
	reloaded func(err error, changed bool)

	mu      sync.Mutex
	current *tls.Certificate
	checked time.Time
	failing bool
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading the TLS certificate %s: %w", c.certFile, err)
	}
	c.current, c.checked = &pair, time.Now()
	return nil
}

// get returns the certificate; while the files cannot be read, the last good one.
func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) > certificateCheck {
		c.checked = time.Now()
		err := c.load()
		changed := c.failing != (err != nil)
		c.failing = err != nil
		c.reloaded(err, changed)
	}
	return c.current
}

// observeCertificate counts readings that failed and tells once when they
// begin and when they cease to.
func (s *Server) observeCertificate(err error, changed bool) {
	if err != nil {
		s.metrics.certificateReloadFailures.Inc()
	}
	switch {
	case err != nil && changed:
		s.logger.Error("the TLS certificate cannot be read again, the last good one stays", "error", err)
	case changed:
		s.logger.Info("the TLS certificate can be read again")
	}
}
