package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
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
	// body is that of the latest reply.
	body []byte
}

func dial(ctx context.Context, address string) (*member, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &member{conn: conn, reader: bufio.NewReaderSize(conn, 1024)}, nil
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
			m.body = slices.Grow(m.body[:0], length)[:length]
			_, err := io.ReadFull(m.reader, m.body)
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

// register returns the lease that the identity is given.
func (m *member) register(identity string) (string, error) {
	body := fmt.Appendf(nil, `{"identity": "%s", "fleet": "bench", "version": "0.4.2"}`, identity)
	if err := m.expect(request(fleetapi.PathRegister, body), " 200 "); err != nil {
		return "", err
	}
	var reply fleetapi.RegisterResponse
	if err := json.Unmarshal(m.body, &reply); err != nil {
		return "", fmt.Errorf("decoding the reply to a registration: %w", err)
	}
	return reply.Lease, nil
}

// crew is a number of members.
type crew struct{ members []*member }

func hire(ctx context.Context, address string, size int) (*crew, error) {
	c := &crew{}
	for range size {
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

// each runs a function for all members at once, with their places.
func (c *crew) each(do func(place int, m *member) error) error {
	errs := make([]error, len(c.members))
	var all sync.WaitGroup
	for i, m := range c.members {
		all.Go(func() { errs[i] = do(i, m) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// work sends each member's beat again and again for a while and counts the replies.
func (c *crew) work(ctx context.Context, beats [][]byte, length time.Duration) (int, error) {
	ctx, stop := context.WithTimeout(ctx, length)
	defer stop()
	var count atomic.Int64
	err := c.each(func(place int, m *member) error {
		for ctx.Err() == nil {
			if err := m.expect(beats[place], " 204 "); err != nil {
				return err
			}
			count.Add(1)
		}
		return nil
	})
	return int(count.Load()), err
}
