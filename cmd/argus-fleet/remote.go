package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// remote is how a running control plane is reached and known.
type remote struct{ url, caFile, serverName string }

func (r *remote) flags(command *cobra.Command, example string) {
	flags := command.Flags()
	flags.StringVar(&r.url, "url", "", "address of a running control plane, such as "+example)
	flags.StringVar(&r.caFile, "ca-file", "", "file with the authorities (PEM) that an https control plane is verified by, in place of the system's")
	flags.StringVar(&r.serverName, "server-name", "", "name that its certificate is for, where that is not the one in --url, as on 127.0.0.1")
}

// tls is nil where the system's authorities and the name in the URL are right.
func (r *remote) tls() (*tls.Config, error) {
	if r.caFile == "" && r.serverName == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: r.serverName}
	if r.caFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(r.caFile)
	if err != nil {
		return nil, fmt.Errorf("reading the file of --ca-file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca-file=%q: must be a file with PEM certificates", r.caFile)
	}
	return config, nil
}
