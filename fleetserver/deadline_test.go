package fleetserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// TestABodyThatNeverEndsIsGivenUp sends half a body and waits.
func TestABodyThatNeverEndsIsGivenUp(t *testing.T) {
	p := newPlane(t)
	if p.server.bodyDeadline != 10*time.Second {
		t.Errorf("a body may take %s, want 10 s", p.server.bodyDeadline)
	}
	p.server.bodyDeadline = 100 * time.Millisecond
	connection, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	send := func(length int, body string) {
		t.Helper()
		if _, err := fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
			fleetapi.PathRegister, tokens["ingest"], length, body); err != nil {
			t.Fatal(err)
		}
	}
	reader := bufio.NewReader(connection)
	expect := func(when string, status int) {
		t.Helper()
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", when, response.StatusCode, body, status)
		}
	}
	whole := `{"identity": "a"}`
	send(len(whole), whole)
	expect("a whole body", http.StatusOK)
	time.Sleep(150 * time.Millisecond) // the former body's deadline does not end the connection
	send(len(whole), whole)
	expect("a second one after a pause", http.StatusOK)
	send(1000, whole)
	expect("half a body", http.StatusBadRequest)
	if _, err := reader.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
	if held := p.server.inFlight.used.Load(); held != 0 {
		t.Errorf("%d bytes are held for nobody", held)
	}
}
