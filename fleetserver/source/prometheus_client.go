package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/prometheus/client_golang/api"
)

// row is one sample of an answer. Its value is finite.
type row struct {
	cluster, shard string
	value          float64
}

// prometheusClient asks instant queries. It reads the replies itself, because
// the API's own types take a value of null for 0 and a reply without a status
// for success.
type prometheusClient struct {
	client    api.Client
	transport *prometheusTransport
}

var errPrometheusURL = errors.New("must be http://host or https://host, without credentials")

func newPrometheusClient(options PrometheusOptions) (*prometheusClient, error) {
	u, err := url.Parse(options.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("the URL of Prometheus %w", errPrometheusURL)
	}
	transport, err := newPrometheusTransport(options)
	if err != nil {
		return nil, err
	}
	client, err := api.NewClient(api.Config{Address: options.URL, Client: &http.Client{
		Transport: transport,
		// A redirect would carry the token to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, fmt.Errorf("making a client of Prometheus: %w", err)
	}
	return &prometheusClient{client, transport}, nil
}

func (c *prometheusClient) close() { c.transport.close() }

// query evaluates an expression now and returns its rows.
func (c *prometheusClient) query(ctx context.Context, text string) ([]row, error) {
	address := c.client.URL("/api/v1/query", nil)
	parameters := address.Query()
	parameters.Set("query", text)
	address.RawQuery = parameters.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("querying Prometheus: %w", err)
	}
	response, body, err := c.client.Do(ctx, request) //nolint:bodyclose // Do has read and closed it
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // the address around it says the query once more
		}
		return nil, fmt.Errorf("querying Prometheus for %s: %w", text, err)
	}
	rows, err := decodeRows(response.StatusCode, body)
	if err != nil {
		return nil, fmt.Errorf("querying Prometheus for %s: %w", text, err)
	}
	return rows, nil
}

type promReply struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      struct {
		ResultType string       `json:"resultType"`
		Result     []promSample `json:"result"`
	} `json:"data"`
}

type promSample struct {
	// Metric has no other labels: every query aggregates by these.
	Metric struct {
		Cluster string `json:"cluster"`
		Shard   string `json:"shard"`
	} `json:"metric"`
	// Value is a time and a number in quotes.
	Value []json.RawMessage `json:"value"`
}

// decodeRows reads a reply. Rows without a finite value are left out.
func decodeRows(status int, body []byte) ([]row, error) {
	var reply promReply
	err := json.Unmarshal(body, &reply)
	switch {
	case err == nil && reply.Status == "error":
		return nil, fmt.Errorf("status %d, %s: %.200s", status, reply.ErrorType, reply.Error)
	case status != http.StatusOK:
		return nil, fmt.Errorf("status %d", status)
	case err != nil:
		return nil, fmt.Errorf("reading the reply: %w", err)
	case reply.Status != "success" || reply.Data.ResultType != "vector":
		return nil, fmt.Errorf("a reply of status %q with a result of type %q", reply.Status, reply.Data.ResultType)
	}
	rows := make([]row, 0, len(reply.Data.Result))
	for _, sample := range reply.Data.Result {
		if value, ok := sample.value(); ok {
			rows = append(rows, row{sample.Metric.Cluster, sample.Metric.Shard, value})
		}
	}
	return rows, nil
}

func (s promSample) value() (float64, bool) {
	var text string
	if len(s.Value) != 2 || json.Unmarshal(s.Value[1], &text) != nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64) // fails for "", which is what null leaves
	return value, err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)
}
