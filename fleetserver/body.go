package fleetserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
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

// readBody returns the whole body, decompressed. It fails with errTooLarge,
// along with the beginning that it read, errEncoding or errBodyRead.
func (s *Server) readBody(r *http.Request) ([]byte, error) {
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
	var body bytes.Buffer
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
