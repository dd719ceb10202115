package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user     = "reader"
	password = "s3cret"
)

// clickHouse starts a server that answers as it is told and returns a client of it.
func clickHouse(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return clientOf(t, strings.Replace(server.URL, "http://", "clickhouse://"+user+":"+password+"@", 1)+"/argus")
}

func clientOf(t *testing.T, dsn string) *Client {
	t.Helper()
	parsed, err := ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	client := New(parsed, Options{Guarded: true, timeout: 5 * time.Second})
	t.Cleanup(client.Close)
	return client
}

func replying(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func requestOf(t *testing.T, client *Client, guild, cluster string) Request {
	t.Helper()
	r, err := client.Request(url.Values{"guild_id": {guild}, "cluster": {cluster}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// questions are all that a client can be asked, by name.
func questions() map[string]func(context.Context, *Client, Request) (any, error) {
	return map[string]func(context.Context, *Client, Request) (any, error){
		InteractionVolume: func(ctx context.Context, c *Client, r Request) (any, error) { return c.InteractionVolume(ctx, r) },
		TopCommands:       func(ctx context.Context, c *Client, r Request) (any, error) { return c.TopCommands(ctx, r) },
		CommandStats:      func(ctx context.Context, c *Client, r Request) (any, error) { return c.CommandStats(ctx, r) },
		AvgDuration:       func(ctx context.Context, c *Client, r Request) (any, error) { return c.AvgDuration(ctx, r) },
	}
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// checkFault demands a QueryError of a kind whose text leaks nothing.
func checkFault(t *testing.T, err, kind error, detail string) {
	t.Helper()
	fault, ok := errors.AsType[*QueryError](err)
	if !ok || !errors.Is(err, kind) {
		t.Fatalf("error %v, want a QueryError that is %q", err, kind)
	}
	if !strings.Contains(err.Error(), detail) || fault.Question == "" {
		t.Errorf("error %q of question %q, want it to say %q", err, fault.Question, detail)
	}
	for _, secret := range []string{user, password, "guild-of-mine", "SELECT", "whisper"} {
		if strings.Contains(fmt.Sprintf("%v %+v %s", err, err, kind), secret) {
			t.Errorf("%q leaks %q", err, secret)
		}
	}
}
