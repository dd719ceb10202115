package fleetserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"github.com/argus-dev/argus-operator/fleetserver/source"
)

const (
	// maxInFlightBytes bounds the members' bodies that are held in memory at one time.
	maxInFlightBytes = 256 << 20
	// maxSmallBodyBytes bounds a body that is no member's, such as a sign-in:
	// nobody needs a credential to send one. maxSmallInFlightBytes bounds all of
	// those together.
	maxSmallBodyBytes     = 8 << 10
	maxSmallInFlightBytes = 8 << 20
)

// byteBudget hands out bytes up to a limit.
type byteBudget struct {
	limit int64
	used  atomic.Int64
}

func (b *byteBudget) reserve(size int64) bool {
	if b.used.Add(size) > b.limit {
		b.used.Add(-size)
		return false
	}
	return true
}

func (b *byteBudget) release(size int64) { b.used.Add(-size) }

// maxPooledBytes is the largest buffer that is kept for another body.
const maxPooledBytes = 256 << 10

// desk is the room that it takes to read one body.
type desk struct {
	bytes.Buffer
	decoder source.Decoder
}

// bodyPool keeps desks from one body to the next. The zero value is ready.
type bodyPool struct{ desks sync.Pool }

func (p *bodyPool) take() *desk {
	if d, ok := p.desks.Get().(*desk); ok {
		return d
	}
	return &desk{}
}

func (p *bodyPool) give(d *desk) {
	if d.Cap() <= maxPooledBytes {
		d.Reset()
		p.desks.Put(d)
	}
}

// readBody reads the whole body, decompressed, into an empty buffer and returns
// what the buffer then holds. It fails with errTooLarge, along with the
// beginning that it read, errEncoding or errBodyRead.
func readBody(r *http.Request, body *bytes.Buffer) ([]byte, error) {
	var reader io.Reader = r.Body
	limit := exchangeOf(r).maxBody
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
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
	body.Grow(int(min(max(r.ContentLength, 0), limit)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(reader, limit+1))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || int64(body.Len()) > limit {
		return body.Bytes(), errTooLarge
	}
	if err != nil {
		return nil, errBodyRead
	}
	return body.Bytes(), nil
}
