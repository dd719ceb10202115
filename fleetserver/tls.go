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
func secureListener(inner net.Listener, config Config) (net.Listener, error) {
	c := &certificate{certFile: config.TLSCertFile, keyFile: config.TLSKeyFile}
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

	mu      sync.Mutex
	current *tls.Certificate
	checked time.Time
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
		_ = c.load()
	}
	return c.current
}
