package fleetapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	// clientTimeout bounds one call, and defaultMaxResponseBytes one reply.
	clientTimeout           = 10 * time.Second
	defaultMaxResponseBytes = 1 << 20
)

// StatusError is a reply with another status than the call expects. It never
// carries the body: what a control plane sends back must not reach a condition or a log.
type StatusError struct {
	// Code is the HTTP status.
	Code int
	// RetryAfter is what the reply asked for, or 0.
	RetryAfter time.Duration
}

// Error says the status in words.
func (e *StatusError) Error() string {
	return fmt.Sprintf("control plane answered %d %s", e.Code, http.StatusText(e.Code))
}

// ClientOptions configure a Client.
type ClientOptions struct {
	// Token returns the bearer token for the next call, or "" for none. It is
	// asked each time, so that a rotated token is used at once.
	Token func() (string, error)
	// TLS verifies an https control plane; nil means the system's roots.
	TLS *tls.Config
	// MaxResponseBytes bounds a reply; 0 means 1 MiB.
	MaxResponseBytes int64
	// Guarded refuses to connect to loopback and link-local addresses. Set it
	// where the URL comes from somebody else, as in an operator.
	Guarded bool
}

// Client calls one control plane. It follows no redirects, waits 10 s at the
// most and bounds what it reads. It is safe for concurrent use.
type Client struct {
	base  string
	token func() (string, error)
	http  *http.Client
	most  int64
}

// NewClient returns a client for the control plane at baseURL (http or https,
// a path prefix and trailing slashes allowed), or an error that names what is
// wrong with the URL.
func NewClient(baseURL string, options ClientOptions) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, errors.New("fleet URL cannot be parsed")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("fleet URL must be http://host[:port] or https://host[:port], without user, query or fragment")
	}
	dialer := &net.Dialer{Timeout: clientTimeout}
	if options.Guarded {
		dialer.Control = refuseLocal
	}
	return &Client{
		base:  strings.TrimRight(u.String(), "/"),
		token: options.Token,
		most:  cmp.Or(options.MaxResponseBytes, defaultMaxResponseBytes),
		http: &http.Client{
			Timeout: clientTimeout,
			Transport: &http.Transport{
				DialContext:           dialer.DialContext,
				TLSClientConfig:       options.TLS,
				TLSHandshakeTimeout:   clientTimeout,
				ResponseHeaderTimeout: clientTimeout,
				MaxIdleConnsPerHost:   2,
				IdleConnTimeout:       90 * time.Second,
				ForceAttemptHTTP2:     true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// refuseLocal runs after name resolution, so a name that points home is caught too.
func refuseLocal(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address of the control plane: %w", err)
	}
	ip := ap.Addr().Unmap()
	if ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() || ip.IsMulticast() || ip.IsUnspecified() {
		return errors.New("address of the control plane is loopback, link-local or multicast")
	}
	return nil
}

// Register announces a cluster and returns its number and lease.
func (c *Client) Register(ctx context.Context, request RegisterRequest) (RegisterResponse, error) {
	var response RegisterResponse
	err := c.call(ctx, http.MethodPost, PathRegister, request, http.StatusOK, &response)
	return response, err
}

// Heartbeat says that a cluster lives and brings its latest values. A
// StatusError with code 404 asks the member to register again.
func (c *Client) Heartbeat(ctx context.Context, request HeartbeatRequest) error {
	return c.call(ctx, http.MethodPost, PathHeartbeat, request, http.StatusNoContent, nil)
}

// Status returns the clusters whose identity starts with prefix ("" = all).
func (c *Client) Status(ctx context.Context, prefix string) (Status, error) {
	var status Status
	err := c.call(ctx, http.MethodGet, PathStatus+"?"+url.Values{"prefix": {prefix}}.Encode(), nil, http.StatusOK, &status)
	return status, err
}

// Summary returns the counts and roll-ups of all fleets.
func (c *Client) Summary(ctx context.Context) (Summary, error) {
	var summary Summary
	err := c.call(ctx, http.MethodGet, PathSummary, nil, http.StatusOK, &summary)
	return summary, err
}

// View returns everything the control plane knows of its fleets.
func (c *Client) View(ctx context.Context) (View, error) {
	var view View
	err := c.call(ctx, http.MethodGet, PathView, nil, http.StatusOK, &view)
	return view, err
}

// Config returns the control plane's own settings.
func (c *Client) Config(ctx context.Context) (Config, error) {
	var config Config
	err := c.call(ctx, http.MethodGet, PathConfig, nil, http.StatusOK, &config)
	return config, err
}

// Healthz asks whether the control plane is alive.
func (c *Client) Healthz(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, PathHealthz, nil, http.StatusOK, nil)
}

// Leave says that a cluster goes away on purpose. A StatusError with code 409
// means that the lease is not the current one.
func (c *Client) Leave(ctx context.Context, request LeaveRequest) error {
	return c.call(ctx, http.MethodPost, PathLeave, request, http.StatusNoContent, nil)
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) call(ctx context.Context, method, path string, in any, want int, out any) error {
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, c.most+1)
	if response.StatusCode != want {
		_, _ = io.Copy(io.Discard, body)
		return &StatusError{Code: response.StatusCode, RetryAfter: retryAfter(response.Header)}
	}
	if out == nil {
		_, _ = io.Copy(io.Discard, body)
		return nil
	}
	return decode(body, c.most, out)
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encoding request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("building request: %w", err)
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token == nil {
		return request, nil
	}
	token, err := c.token()
	if err != nil {
		return nil, fmt.Errorf("reading the token: %w", err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

func decode(body io.Reader, most int64, out any) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return withoutURL(err)
	}
	if int64(len(data)) > most {
		return fmt.Errorf("control plane answered with more than %d bytes", most)
	}
	if json.Unmarshal(data, out) != nil {
		// The decoder's message can quote the body.
		return errors.New("control plane answered with something else than the expected JSON")
	}
	return nil
}

// withoutURL strips the URL from a transport error: conditions stay short and
// stable, and a query can hold what others should not read.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("calling the control plane: %w", err)
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := time.ParseDuration(header.Get("Retry-After") + "s")
	if err != nil || seconds < 0 {
		return 0
	}
	return seconds
}
