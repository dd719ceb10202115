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

// deflate compresses a body (RFC 1951). It ends on a byte's border with a block
// that is not the last and refers to nothing before it, so that it may stand
// anywhere in a stream, and whatever else behind it. It is fast rather than
// thorough: a view lives for a second.
func (c *compressor) deflate(body []byte) []byte {
	packed := make([]bytes.Buffer, (len(body)+compressPart-1)/compressPart)
	var all sync.WaitGroup
	for i := range packed {
		part := body[i*compressPart : min((i+1)*compressPart, len(body))]
		all.Go(func() { c.deflatePart(&packed[i], part) })
	}
	all.Wait()
	var whole []byte
	for i := range packed {
		whole = append(whole, packed[i].Bytes()...)
	}
	return whole
}

func (c *compressor) deflatePart(into *bytes.Buffer, part []byte) {
	into.Grow(len(part) / 8)
	w := c.writer(into)
	defer c.writers.Put(w)
	_, _ = w.Write(part) // a buffer takes everything
	_ = w.Flush()
}

// gzipHead begins a stream in gzip's format (RFC 1952): magic, deflate, no
// flags, no time, fastest algorithm, system unknown.
const gzipHead = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"

// gzipSum is what the end of a stream tells of all that was in it.
type gzipSum struct{ checksum, size uint32 }

func (s *gzipSum) add(plain []byte) {
	s.checksum = crc32.Update(s.checksum, crc32.IEEETable, plain)
	s.size += uint32(len(plain))
}

// appendTail appends the last block, which is empty, and the sum.
func (s *gzipSum) appendTail(b []byte) []byte {
	b = append(b, 3, 0)
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, s.checksum), s.size)
}

// gzipped is a body in gzip's format, made of what deflate has made of it.
func gzipped(deflated, body []byte) []byte {
	var sum gzipSum
	sum.add(body)
	whole := make([]byte, 0, len(gzipHead)+len(deflated)+10)
	return sum.appendTail(append(append(whole, gzipHead...), deflated...))
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
