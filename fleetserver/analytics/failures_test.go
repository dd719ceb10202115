package analytics

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestFailuresAreOneTypedErrorThatLeaksNothing(t *testing.T) {
	const whisper = "DB::Exception: whisper of reader s3cret in SELECT"
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %v", r.Header)
	}))
	t.Cleanup(elsewhere.Close)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   error
		detail string
	}{
		"an unknown table, as old servers say it":  {replying(404, "Code: 60, e.displayText() = "+whisper), ErrAnswer, "exception 60: there is no table"},
		"a wrong password, as new servers say it":  {replying(403, "Code: 516. "+whisper, "X-ClickHouse-Exception-Code", "516"), ErrAnswer, "exception 516: the user or the password"},
		"an exception of another number":           {replying(500, "Code: 999. "+whisper), ErrAnswer, "exception 999"},
		"an exception behind rows":                 {replying(200, `{"data":[["a",1],`+"\nCode: 241. "+whisper), ErrAnswer, "exception 241: the query needs too much memory"},
		"an exception inside the JSON":             {replying(200, `{"data":[["a",1]],"rows":1,"exception":"Code: 159. `+whisper+`"}`), ErrAnswer, "exception 159"},
		"an exception without a number":            {replying(200, `{"data":[["a",1]],"rows":1,"exception":"whisper"}`), ErrAnswer, "exception without a number"},
		"an exception that only a header tells":    {replying(200, `{"data":[["a",1]],"rows":1}`, "X-ClickHouse-Exception-Code", "47"), ErrAnswer, "exception 47"},
		"a header that is not a number":            {replying(200, `{}`, "X-ClickHouse-Exception-Code", "whisper"), ErrAnswer, "exception without a number"},
		"a status without an exception":            {replying(418, "whisper"), ErrAnswer, "status 418"},
		"a proxy with nothing behind it":           {replying(502, "whisper"), ErrUnreachable, "status 502"},
		"a redirect":                               {replying(307, "", "Location", elsewhere.URL), ErrAnswer, "redirect"},
		"no JSON":                                  {replying(200, "whisper"), ErrAnswer, "no JSON"},
		"nothing":                                  {replying(200, ""), ErrAnswer, "no JSON"},
		"JSON of another format":                   {replying(200, `{"rows":[["a",1]]}`), ErrAnswer, "no JSON"},
		"JSON that broke off, yet is JSON":         {replying(200, `{"data":[["a",1]]}`), ErrAnswer, "rows are missing"},
		"fewer rows than it says":                  {replying(200, `{"data":[["a",1]],"rows":2}`), ErrAnswer, "rows are missing"},
		"a row with too little":                    {replying(200, `{"data":[["a"]],"rows":1}`), ErrAnswer, "another shape"},
		"a row with too much":                      {replying(200, `{"data":[["a",1,2]],"rows":1}`), ErrAnswer, "another shape"},
		"a count that is none":                     {replying(200, `{"data":[["a","whisper"]],"rows":1}`), ErrAnswer, "another shape"},
		"a count below zero":                       {replying(200, `{"data":[["a",-1]],"rows":1}`), ErrAnswer, "another shape"},
		"one byte more than a reply may have":      {replying(200, strings.Repeat(" ", maxReply+1)), ErrAnswer, "more than 1048576 bytes"},
		"a reply that never ends":                  {endless, ErrAnswer, "more than 1048576 bytes"},
		"a body shorter than announced":            {truncated, ErrUnreachable, "cut"},
		"a connection that is closed":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrUnreachable, "cut"},
		"a service that does not speak HTTP":       {babble, ErrUnreachable, "no HTTP"},
		"a compressed body that was not asked for": {replying(200, "\x1f\x8b whisper", "Content-Encoding", "gzip"), ErrAnswer, "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			client := clickHouse(t, tc.answer)
			_, err := client.TopCommands(t.Context(), requestOf(t, client, "guild-of-mine", ""))
			checkFault(t, err, tc.kind, tc.detail)
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"data":[["a",1]],`))
}

func babble(w http.ResponseWriter, _ *http.Request) {
	hijack(w, "whisper of reader s3cret\r\n\r\n")
}

func hijack(w http.ResponseWriter, text string) {
	connection, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	writer := bufio.NewWriter(buffer)
	_, _ = writer.WriteString(text)
	_ = writer.Flush()
	_ = buffer.Flush()
}

func TestAReplyOfExactlyTheBoundIsRead(t *testing.T) {
	body := `{"data":[["a",1]],"rows":1}`
	client := clickHouse(t, replying(200, body+strings.Repeat(" ", maxReply-len(body))))
	got, err := client.TopCommands(t.Context(), requestOf(t, client, "42", ""))
	if err != nil || len(got.Rows) != 1 {
		t.Errorf("%+v, %v; want the row", got, err)
	}
}

func TestClickHouseThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	listener.Close()
	for name, tc := range map[string]struct{ dsn, detail string }{
		"nobody listens":          {"clickhouse://reader:s3cret@127.0.0.1:" + port, "connection refused"},
		"the name does not exist": {"clickhouse://reader:s3cret@clickhouse.invalid:8123", "clickhouse.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			client := clientOf(t, tc.dsn)
			_, err := client.AvgDuration(t.Context(), requestOf(t, client, "guild-of-mine", ""))
			checkFault(t, err, ErrUnreachable, tc.detail)
		})
	}
}

func TestTLSIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(replying(200, `{"data":[[1]],"rows":1}`))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	dsn := strings.Replace(server.URL, "https://", "clickhouses://reader:s3cret@", 1)
	client := clientOf(t, dsn)
	_, err := client.AvgDuration(t.Context(), requestOf(t, client, "guild-of-mine", ""))
	checkFault(t, err, ErrUnreachable, "certificate")

	plain := clickHouse(t, replying(200, ""))
	client = clientOf(t, strings.Replace(plain.dsn.String(), "http://", "https://reader:s3cret@", 1))
	_, err = client.AvgDuration(t.Context(), requestOf(t, client, "guild-of-mine", ""))
	checkFault(t, err, ErrUnreachable, "HTTP response to HTTPS client")
}

// hanging holds requests until the test ends.
func hanging(t *testing.T) http.HandlerFunc {
	t.Helper()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush() // the head has come, the body does not
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
}

func TestAQuestionHasATimeLimit(t *testing.T) {
	client := clickHouse(t, hanging(t))
	client.timeout = 50 * time.Millisecond
	started := time.Now()
	_, err := client.CommandStats(t.Context(), requestOf(t, client, "guild-of-mine", ""))
	checkFault(t, err, ErrUnreachable, "no answer within 50ms")
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	if New(DSN{}, Options{}).timeout != 10*time.Second {
		t.Error("the limit is not ten seconds")
	}
}

func TestAClientThatGoesAwayIsNoFaultOfClickHouse(t *testing.T) {
	client := clickHouse(t, hanging(t))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := client.CommandStats(ctx, requestOf(t, client, "42", ""))
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestItFailsClosed(t *testing.T) {
	dsn, err := ParseDSN("clickhouse://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	guarded, open := New(dsn, Options{Guarded: true}), New(dsn, Options{})
	for _, query := range []string{"", "guild_id=42", "guild_id=%00"} {
		values, _ := url.ParseQuery(query)
		if _, err := open.Request(values); !errors.Is(err, ErrNoViewerToken) {
			t.Errorf("without a viewer token %q gives %v", query, err)
		}
	}
	allowed := requestOf(t, guarded, "42", "")
	for name, ask := range questions() {
		if _, err := ask(t.Context(), open, allowed); !errors.Is(err, ErrNoViewerToken) {
			t.Errorf("%s without a viewer token gives %v", name, err)
		}
		if _, err := ask(t.Context(), guarded, Request{}); !errors.Is(err, ErrGuildRequired) {
			t.Errorf("%s of no guild gives %v", name, err)
		}
	}
}
