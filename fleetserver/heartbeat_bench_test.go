package fleetserver

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/sample"
)

// BenchmarkHeartbeat compares a heartbeat with a handler that only reads the
// body, over loopback and with the client's cost in both.
func BenchmarkHeartbeat(b *testing.B) {
	config, err := ConfigFromEnv(func(name string) (string, bool) {
		value, ok := map[string]string{
			fleetapi.EnvFleetHost: "127.0.0.1", fleetapi.EnvFleetHeartbeatBurst: "1000000",
			fleetapi.EnvFleetIngestToken: tokens["ingest"], fleetapi.EnvFleetState: b.TempDir() + "/state.db",
		}[name]
		return value, ok
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	config.HeartbeatBurst = 1 << 40
	server, err := New(b.Context(), config, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	for size, shape := range map[string]sample.Shape{"lean": sample.Lean(), "real": sample.Real()} {
		body := shape.Heartbeat("asia-0", "", 1)
		for name, handler := range map[string]http.Handler{"bare": bare, "ours": server.Handler()} {
			b.Run(size+"/"+name, func(b *testing.B) {
				listener := httptest.NewServer(handler)
				defer listener.Close()
				postAs(b, listener.URL+fleetapi.PathRegister, []byte(`{"identity": "asia-0"}`))
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if status := postAs(b, listener.URL+fleetapi.PathHeartbeat, body); status != http.StatusNoContent {
						b.Fatal(status)
					}
				}
			})
		}
	}
}

func postAs(b *testing.B, url string, body []byte) int {
	b.Helper()
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tokens["ingest"])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
