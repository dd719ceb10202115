package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
)

const healthTimeout = 3 * time.Second

func healthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Ask the control plane of this environment whether it is alive", Args: noArguments,
		Long: "Ask the control plane of this environment whether it is alive: on this machine, at the port and with the scheme that the variables name. " +
			"It serves the image's HEALTHCHECK, needs no token, and takes three seconds at the most.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lookup, err := environment()
			if err != nil {
				return &quietError{err}
			}
			// A secret that this process cannot read must not make the container unhealthy.
			config, err := fleetserver.ListenerFromEnv(lookup)
			if err == nil {
				err = checkHealth(cmd.Context(), config)
			}
			if err != nil {
				return &quietError{err}
			}
			return nil
		},
	}
}

func checkHealth(ctx context.Context, config fleetserver.Config) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	scheme := "http"
	if config.TLS() {
		scheme = "https"
	}
	url := scheme + "://" + net.JoinHostPort(localHost(config.Host), strconv.Itoa(config.Port)) + fleetapi.PathHealthz
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{
		Proxy: nil,
		// The certificate is made for a public name; this asks our own process on
		// this machine, and tells it nothing.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		err = errors.New("unhealthy: " + response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

// localHost is where a listener on host can be reached from this machine.
func localHost(host string) string {
	switch host {
	case "", "0.0.0.0":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return host
}
