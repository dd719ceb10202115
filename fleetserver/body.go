package fleetserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// maxInFlightBytes bounds the bodies that are held in memory at one time.
const maxInFlightBytes = 256 << 20

// byteBudget hands out bytes up to a limit. The zero value is ready.
type byteBudget struct{ used atomic.Int64 }

func (b *byteBudget) reserve(size int64) bool {
	if b.used.Add(size) > maxInFlightBytes {
		b.used.Add(-size)
		return false
	}
	return true
}

func (b *byteBudget) release(size int64) { b.used.Add(-size) }

// maxPooledBytes is the largest buffer that is kept for another body.
const maxPooledBytes = 256 << 10

// bodyPool keeps buffers from one body to the next. The zero value is ready.
type bodyPool struct{ buffers sync.Pool }

func (p *bodyPool) take() *bytes.Buffer {
	if buffer, ok := p.buffers.Get().(*bytes.Buffer); ok {
		return buffer
	}
	return &bytes.Buffer{}
}

func (p *bodyPool) give(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxPooledBytes {
		buffer.Reset()
		p.buffers.Put(buffer)
	}
}

// readBody reads the whole body, decompressed, into an empty buffer and returns
// what the buffer then holds. It fails with errTooLarge, along with the
// beginning that it read, errEncoding or errBodyRead.
func (s *Server) readBody(r *http.Request, body *bytes.Buffer) ([]byte, error) {
	var reader io.Reader = r.Body
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, errBodyRead
		}
		defer unpacked.Close()
		reader = unpacked
	default:
		return nil, errEncoding
	}
	body.Grow(int(min(max(r.ContentLength, 0), s.config.MaxBodyBytes)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(reader, s.config.MaxBodyBytes+1))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || int64(body.Len()) > s.config.MaxBodyBytes {
		return body.Bytes(), errTooLarge
	}
	if err != nil {
		return nil, errBodyRead
	}
	return body.Bytes(), nil
}
