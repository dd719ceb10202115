package analytics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"
)

const (
	// queryTimeout bounds one question from connecting to the reply's last byte.
	queryTimeout = 10 * time.Second
	// maxReply bounds a reply; the largest honest one has some 50 rows.
	maxReply = 1 << 20
	// maxConnections is how many questions ClickHouse is asked at one time; more
	// wait within their own ten seconds.
	maxConnections = 8
)

// Options are how a Client works. Without Guarded it answers nothing.
type Options struct {
	// Guarded says that a viewer token is configured.
	Guarded bool
	// Transport makes the requests; nil is one of the client's own.
	Transport http.RoundTripper

	timeout time.Duration // for tests; 0 is queryTimeout
}

// Client asks ClickHouse. It connects when a question is asked and not before,
// so it can be made while ClickHouse is down. It is safe for concurrent use.
type Client struct {
	dsn     DSN
	guarded bool
	timeout time.Duration
	http    *http.Client
}

// New returns a client of the ClickHouse at a DSN.
func New(dsn DSN, options Options) *Client {
	c := &Client{dsn: dsn, guarded: options.Guarded, timeout: options.timeout}
	if c.timeout == 0 {
		c.timeout = queryTimeout
	}
	transport := options.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: maxConnections, MaxIdleConnsPerHost: maxConnections,
			IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		}
	}
	c.http = &http.Client{
		Transport: transport,
		// A redirect would carry the credentials to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ask puts one question and reads its rows.
func ask[Row any](ctx context.Context, c *Client, question, query string, r Request, read func(*cells) Row) (Rows[Row], error) {
	switch {
	case !c.guarded:
		return Rows[Row]{}, ErrNoViewerToken
	case r.guild == "":
		return Rows[Row]{}, ErrGuildRequired
	}
	reply, err := c.query(ctx, statement(query, r), r.parameters())
	if err != nil {
		return Rows[Row]{}, c.explain(ctx, question, err)
	}
	rows := make([]Row, 0, len(reply.Data))
	for _, row := range reply.Data {
		reader := &cells{rest: row}
		rows = append(rows, read(reader))
		if reader.bad || len(reader.rest) > 0 {
			return Rows[Row]{}, c.explain(ctx, question, unanswered("a row of another shape"))
		}
	}
	return Rows[Row]{rows}, nil
}

// query sends one statement. It is a GET, which ClickHouse runs read-only, and
// sets no setting, because a user with a read-only profile may set none.
func (c *Client) query(ctx context.Context, statement string, parameters url.Values) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address(statement, parameters), nil)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("User-Agent", "argus-fleet")
	if c.dsn.user != "" {
		request.Header.Set("X-ClickHouse-User", c.dsn.user)
	}
	if c.dsn.password != "" {
		request.Header.Set("X-ClickHouse-Key", c.dsn.password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	switch {
	case err != nil:
		return answer{}, err
	case len(body) > maxReply:
		return answer{}, unanswered(fmt.Sprintf("a reply of more than %d bytes", maxReply))
	}
	return decode(response.StatusCode, response.Header, body)
}

// address is a statement's URL. ClickHouse finishes the reply before it sends
// it, so that a late exception is a status and not half a reply.
func (c *Client) address(statement string, parameters url.Values) string {
	query := url.Values{"query": {statement}, "default_format": {"JSONCompact"}, "wait_end_of_query": {"1"}}
	if c.dsn.database != "" {
		query.Set("database", c.dsn.database)
	}
	maps.Copy(query, parameters)
	address := c.dsn.base
	address.RawQuery = query.Encode()
	return address.String()
}

// explain turns a failure into a QueryError, unless it is that nobody waits for
// the reply any more.
func (c *Client) explain(ctx context.Context, question string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("asking ClickHouse for %s: %w", question, ctx.Err())
	}
	fault, ok := errors.AsType[*QueryError](err)
	if !ok {
		fault = &QueryError{Kind: ErrUnreachable, detail: transportDetail(err, c.timeout)}
	}
	fault.Question = question
	return fault
}
