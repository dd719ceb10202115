package chaos

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	idleConnections = 5000
	slowConnections = 400

	busyMembers    = 20
	beatsOfMember  = 25
	generousBeatMs = 5000 // the 99th percentile; far above what is seen, so that a slow machine fails nothing
)

// enoughFiles raises the limit of open files, which the process inherits, to
// what the test needs, or fails it.
func enoughFiles(t *testing.T, want uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur >= want {
		return
	}
	limit.Cur, limit.Max = want, max(limit.Max, want)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatalf("the test needs %d open files (ulimit -n): %v", want, err)
	}
}

func TestSlowAndIdleClientsDoNotStopHeartbeats(t *testing.T) {
	enoughFiles(t, 2*idleConnections)
	p := newPlane(t)
	p.start()
	address := strings.TrimPrefix(p.url, "http://")
	idle := connect(t, address, idleConnections, becomeIdle)
	slow := connect(t, address, slowConnections, becomeSlow)
	drip := drip(t, slow)
	beats := beatAll(t, newClient(t, p.url, ingestToken))
	drip()
	slices.Sort(beats)
	t.Logf("%d heartbeats beside %d idle and %d slow connections: median %s, 99th percentile %s",
		len(beats), len(idle), len(slow), beats[len(beats)/2], beats[len(beats)*99/100])
	if len(beats) != busyMembers*beatsOfMember {
		t.Errorf("%d heartbeats were accepted, want %d", len(beats), busyMembers*beatsOfMember)
	}
	if worst := beats[len(beats)*99/100]; worst > generousBeatMs*time.Millisecond {
		t.Errorf("the 99th percentile is %s", worst)
	}
	for _, connection := range []net.Conn{idle[0], idle[len(idle)-1]} {
		if err := becomeIdle(connection, 0); err != nil {
			t.Errorf("an idle connection is not usable any more: %v", err)
		}
	}
}

// connect opens many connections and prepares each.
func connect(t *testing.T, address string, count int, prepare func(net.Conn, int) error) []net.Conn {
	t.Helper()
	connections := make([]net.Conn, count)
	t.Cleanup(func() {
		for _, connection := range connections {
			if connection != nil {
				connection.Close()
			}
		}
	})
	const atOnce = 32
	wrong := make([]error, atOnce)
	var working sync.WaitGroup
	for worker := range atOnce {
		working.Go(func() {
			for i := worker; i < count && wrong[worker] == nil; i += atOnce {
				connections[i], wrong[worker] = net.Dial("tcp", address)
				if wrong[worker] == nil {
					wrong[worker] = prepare(connections[i], i)
				}
			}
		})
	}
	working.Wait()
	for _, err := range wrong {
		if err != nil {
			t.Fatalf("opening %d connections: %v", count, err)
		}
	}
	return connections
}

// becomeIdle makes one request and keeps the connection.
func becomeIdle(connection net.Conn, _ int) error {
	if err := connection.SetDeadline(later()); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: fleet\r\n\r\n", fleetapi.PathHealthz); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// becomeSlow begins a request that does not end: a header for one half, the
// body of a heartbeat for the other.
func becomeSlow(connection net.Conn, i int) error {
	begun := "GET " + fleetapi.PathView + " HTTP/1.1\r\nHost: fleet\r\nX-Slow: "
	if i%2 == 1 {
		begun = "POST " + fleetapi.PathHeartbeat + " HTTP/1.1\r\nHost: fleet\r\nAuthorization: Bearer " + ingestToken +
			"\r\nContent-Length: 200000\r\n\r\n{\"identity\": \""
	}
	_, err := connection.Write([]byte(begun))
	return err
}

// drip keeps slow requests alive, a byte at a time, until the returned function
// is called. The control plane may well hang up.
func drip(t *testing.T, connections []net.Conn) (stop func()) {
	t.Helper()
	ended := make(chan struct{})
	var working sync.WaitGroup
	working.Go(func() {
		for {
			for _, connection := range connections {
				_, _ = connection.Write([]byte("x"))
			}
			select {
			case <-ended:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return func() {
		close(ended)
		working.Wait()
	}
}

// beatAll has several members beat at once and returns how long each accepted
// heartbeat took.
func beatAll(t *testing.T, c *client) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var working sync.WaitGroup
	for i := range busyMembers {
		identity := fmt.Sprintf("bot-%d", i)
		lease := must(t, c, identity, "asia", "").Lease
		working.Go(func() {
			for range beatsOfMember {
				began := time.Now()
				status, err := c.beat(identity, lease, i)
				if err != nil || status != http.StatusNoContent {
					t.Errorf("%s: %v, status %d", identity, err, status)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	working.Wait()
	return took
}
