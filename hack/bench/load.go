package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// The load generator writes prepared bytes to open connections and reads no more
// of the replies than it must: its own cost is in every throughput.

// request is a whole POST as bytes.
func request(path string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: fleet\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		path, token, len(body))
	b.Write(body)
	return b.Bytes()
}

// member is one open connection.
type member struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(ctx context.Context, address string) (*member, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &member{conn, bufio.NewReaderSize(conn, 1024)}, nil
}

// do sends a request and returns the reply's status line.
func (m *member) do(request []byte) (string, error) {
	if _, err := m.conn.Write(request); err != nil {
		return "", err
	}
	status, length := "", 0
	for {
		line, err := m.reader.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		switch {
		case status == "":
			status = string(bytes.TrimSpace(line))
		case len(line) <= 2:
			_, err := m.reader.Discard(length)
			return status, err
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			if _, err := fmt.Sscanf(string(line), "Content-Length: %d", &length); err != nil {
				return "", err
			}
		}
	}
}

func (m *member) expect(request []byte, want string) error {
	status, err := m.do(request)
	if err == nil && !strings.Contains(status, want) {
		err = fmt.Errorf("unexpected reply %q", status)
	}
	return err
}

func register(identity string) []byte {
	return request(fleetapi.PathRegister, fmt.Appendf(nil, `{"identity": "%s", "fleet": "bench"}`, identity))
}

// crew is a number of members with their beats.
type crew struct {
	members []*member
	beats   [][]byte
}

func hire(ctx context.Context, address string, beats [][]byte) (*crew, error) {
	c := &crew{beats: beats}
	for range beats {
		m, err := dial(ctx, address)
		if err != nil {
			c.dismiss()
			return nil, err
		}
		c.members = append(c.members, m)
	}
	return c, nil
}

func (c *crew) dismiss() {
	for _, m := range c.members {
		_ = m.conn.Close()
	}
}

// work beats on all connections at once for a while and counts the replies.
func (c *crew) work(ctx context.Context, length time.Duration) (int, error) {
	ctx, stop := context.WithTimeout(ctx, length)
	defer stop()
	var beats atomic.Int64
	errs := make([]error, len(c.members))
	var all sync.WaitGroup
	for i, m := range c.members {
		all.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				errs[i] = m.expect(c.beats[i], " 204 ")
				beats.Add(1)
			}
		})
	}
	all.Wait()
	return int(beats.Load()), errors.Join(errs...)
}
