package fleetserver

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"
)

// compressPart is how much is compressed in one go; parts are compressed at the
// same time. A part does not refer back to the one before, which costs a few bytes.
const compressPart = 512 << 10

// compressor keeps what compressing needs from one view to the next: the tables
// of a writer take longer to make than a small view to compress. The zero value is ready.
type compressor struct{ writers sync.Pool }

// compress returns the body in gzip's format (RFC 1952). It is fast rather than
// thorough: a view lives for a second.
func (c *compressor) compress(body []byte) []byte {
	packed := make([]bytes.Buffer, max((len(body)+compressPart-1)/compressPart, 1))
	var all sync.WaitGroup
	for i := range packed {
		part := body[i*compressPart : min((i+1)*compressPart, len(body))]
		last := i == len(packed)-1
		all.Go(func() { c.deflate(&packed[i], part, last) })
	}
	all.Wait()
	// Magic, deflate, no flags, no time, fastest algorithm, system unknown.
	whole := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}
	for i := range packed {
		whole = append(whole, packed[i].Bytes()...)
	}
	whole = binary.LittleEndian.AppendUint32(whole, crc32.ChecksumIEEE(body))
	return binary.LittleEndian.AppendUint32(whole, uint32(len(body)))
}

// deflate compresses one part so that another one can follow, unless it is the last.
func (c *compressor) deflate(into *bytes.Buffer, part []byte, last bool) {
	into.Grow(len(part) / 8)
	w := c.writer(into)
	defer c.writers.Put(w)
	_, _ = w.Write(part) // a buffer takes everything
	if last {
		_ = w.Close()
		return
	}
	_ = w.Flush()
}

func (c *compressor) writer(into *bytes.Buffer) *flate.Writer {
	if w, ok := c.writers.Get().(*flate.Writer); ok {
		w.Reset(into)
		return w
	}
	w, err := flate.NewWriter(into, flate.BestSpeed)
	if err != nil {
		panic(err) // only a level that does not exist fails
	}
	return w
}
