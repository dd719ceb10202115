package fleetserver

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"testing"
)

func TestCompressedPartsAreOneStream(t *testing.T) {
	var c compressor
	random := rand.New(rand.NewPCG(1, 2))
	for name, size := range map[string]int{
		"nothing": 0, "a byte": 1, "one part less a byte": compressPart - 1, "one part": compressPart,
		"one part and a byte": compressPart + 1, "several parts": 3*compressPart + 12345,
	} {
		t.Run(name, func(t *testing.T) {
			body := make([]byte, size)
			for i := range body {
				body[i] = "{}[],:0123456789abcdef"[random.IntN(22)]
			}
			packed := bytes.NewReader(gzipped(c.deflate(body), body))
			reader, err := gzip.NewReader(packed)
			if err != nil {
				t.Fatal(err)
			}
			reader.Multistream(false) // some clients read the first member only
			got, err := io.ReadAll(reader)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("%d bytes became %d (%v)", len(body), len(got), err)
			}
			if packed.Len() != 0 {
				t.Errorf("%d bytes behind the end", packed.Len())
			}
		})
	}
}
