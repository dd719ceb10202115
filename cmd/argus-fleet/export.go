package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

// exportTimeout bounds a download of a whole state.
const exportTimeout = 5 * time.Minute

// exportOptions are the flags of export. The token is in a file, because a
// command line can be read by everybody on the machine.
type exportOptions struct {
	remote
	tokenFile string
}

func exportCommand() *cobra.Command {
	var o exportOptions
	command := &cobra.Command{
		Use: "export", Short: "Print the state as a Python control plane's JSON", Args: noArguments,
		Long:    "Print the state as a Python control plane's JSON (version 1): of a running control plane with --url and --admin-token-file, else of the state file (" + fleetapi.EnvFleetState + ") of one that is stopped.",
		Example: "  argus-fleet export --url http://127.0.0.1:9190 --admin-token-file /run/secrets/admin-token > argus-fleet-state.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.url == "" {
				return quiet(withState(cmd.Context(), func(path string) error { return exportFile(path, cmd.OutOrStdout()) }))
			}
			return quiet(exportRunning(cmd.Context(), o, cmd.OutOrStdout()))
		},
	}
	o.flags(command, "http://127.0.0.1:9190")
	command.Flags().StringVar(&o.tokenFile, "admin-token-file", "", "file that holds the admin token")
	command.MarkFlagsRequiredTogether("url", "admin-token-file")
	return command
}

func exportFile(path string, out io.Writer) error {
	state, err := store.Read(path)
	if err != nil {
		return err
	}
	encoded, err := store.EncodeV1(state, func(string) bool { return false })
	if err != nil {
		return err
	}
	_, err = out.Write(encoded)
	return err
}

func exportRunning(ctx context.Context, o exportOptions, out io.Writer) error {
	token, err := os.ReadFile(o.tokenFile)
	if err != nil {
		return fmt.Errorf("reading the admin token: %w", err)
	}
	trust, err := o.tls()
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(token)), ",")
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(o.url, "/")+fleetapi.PathAdminExport+"?format=v1", nil)
	if err != nil {
		return errors.New("--url must be http://host[:port] or https://host[:port]")
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(first))
	client := &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the control plane: %w", err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusNotFound:
		return fmt.Errorf("control plane answered %s: %s must hold the token of its %s, which it must have", response.Status, o.tokenFile, fleetapi.EnvFleetAdminToken)
	default:
		return fmt.Errorf("control plane answered %s", response.Status)
	}
	if _, err := io.Copy(out, response.Body); err != nil {
		return fmt.Errorf("reading the export: %w", err)
	}
	return nil
}
