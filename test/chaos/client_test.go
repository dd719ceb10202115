package chaos

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// client talks to one control plane under one token. A request that it did not
// hear a whole reply to is an error: nobody knows what became of it.
type client struct {
	url, token string
	http       *http.Client
}

func newClient(t *testing.T, url, token string) *client {
	t.Helper()
	return newClientTrusting(t, url, token, nil)
}

// newClientTrusting verifies an https control plane by these authorities.
func newClientTrusting(t *testing.T, url, token string, authorities *x509.CertPool) *client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{url, token, &http.Client{Transport: transport, Timeout: patience}}
}

// as is the same client under another token.
func (c *client) as(token string) *client { return &client{c.url, token, c.http} }

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// call makes a request; body is JSON, or nil.
func (c *client) call(method, path string, body any) (reply, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return reply{}, fmt.Errorf("encoding: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, c.url+path, content)
	if err != nil {
		return reply{}, fmt.Errorf("building a request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.http.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	return reply{response.StatusCode, response.Header, read}, nil
}

// register returns the reply only with status 200.
func (c *client) register(identity, fleet, lease string) (registered fleetapi.RegisterResponse, status int, err error) {
	got, err := c.call(http.MethodPost, fleetapi.PathRegister, fleetapi.RegisterRequest{Identity: identity, Fleet: fleet, Lease: lease})
	if err != nil || got.status != http.StatusOK {
		return registered, got.status, err
	}
	err = json.Unmarshal(got.body, &registered)
	return registered, got.status, err
}

func (c *client) beat(identity, lease string, guilds int) (status int, err error) {
	got, err := c.call(http.MethodPost, fleetapi.PathHeartbeat, fleetapi.HeartbeatRequest{Identity: identity, Lease: lease, Snapshot: snapshotOf(guilds)})
	return got.status, err
}

func (c *client) leave(identity, lease string) (status int, err error) {
	got, err := c.call(http.MethodPost, fleetapi.PathLeave, fleetapi.LeaveRequest{Identity: identity, Lease: lease})
	return got.status, err
}

func (c *client) retire(identity string, purge bool) (status int, err error) {
	query := url.Values{"identity": {identity}, "force": {"1"}}
	if purge {
		query.Set("purge", "1")
	}
	got, err := c.as(adminToken).call(http.MethodDelete, fleetapi.PathAdminCluster+"?"+query.Encode(), nil)
	return got.status, err
}

func (c *client) resetLease(identity string) (status int, err error) {
	got, err := c.as(adminToken).call(http.MethodPost, fleetapi.PathAdminResetLease+"?identity="+url.QueryEscape(identity), nil)
	return got.status, err
}

// view is what people see; it fails the test when it cannot be had.
func (c *client) view(t *testing.T) fleetapi.View {
	t.Helper()
	got, err := c.as(viewerToken).call(http.MethodGet, fleetapi.PathView, nil)
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("view: %v %d %s", err, got.status, got.body)
	}
	var view fleetapi.View
	if err := json.Unmarshal(got.body, &view); err != nil {
		t.Fatalf("view: %v", err)
	}
	return view
}

// clusters are those of a view by identity.
func (c *client) clusters(t *testing.T) map[string]fleetapi.Cluster {
	t.Helper()
	found := map[string]fleetapi.Cluster{}
	for _, fleet := range c.view(t).Fleets {
		for _, cluster := range fleet.Clusters {
			if _, twice := found[cluster.Identity]; twice {
				t.Errorf("%s is listed twice", cluster.Identity)
			}
			found[cluster.Identity] = cluster
		}
	}
	return found
}

// ready is the status and the word of /readyz.
func (c *client) ready() (int, string) {
	got, err := c.call(http.MethodGet, fleetapi.PathReadyz, nil)
	if err != nil {
		return 0, err.Error()
	}
	return got.status, string(bytes.TrimSpace(got.body))
}

func snapshotOf(guilds int) *fleetapi.Snapshot {
	const name = fleetapi.DefaultMetricPrefix + "_guilds"
	return &fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{
		name: {Type: "gauge", Samples: []fleetapi.Sample{{Name: name, Labels: map[string]string{}, Value: float64(guilds)}}},
	}}
}

// must registers and fails the test unless that is accepted.
func must(t *testing.T, c *client, identity, fleet, lease string) fleetapi.RegisterResponse {
	t.Helper()
	registered, status, err := c.register(identity, fleet, lease)
	if err != nil || status != http.StatusOK {
		t.Fatalf("registering %s: %v, status %d", identity, err, status)
	}
	return registered
}

// later is a deadline for things that take as long as they take.
func later() time.Time { return time.Now().Add(patience) }
