package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The head of a bbolt file: two meta pages, each with a page header in front.
const (
	metaMagic      = 0xED0CDAED
	metaVersion    = 2
	metaHeader     = 16
	metaLength     = 64
	metaSummed     = 56
	offPageSize    = 8
	offHighWater   = 40
	offTransaction = 48
	minPageSize    = 1024
	maxPageSize    = minPageSize << 14
)

// FileError refuses a state file. The file has not been touched.
type FileError struct {
	Path   string
	Reason string
}

// Error names the file and what is wrong with it.
func (e *FileError) Error() string {
	return fmt.Sprintf("state file %s %s; it was left untouched: restore a backup or move it away", e.Path, e.Reason)
}

type meta struct {
	pageSize, highWater, transaction uint64
}

// inspect refuses a file that bbolt would create anew over, or crash on. It
// only reads.
func inspect(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the state file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("examining the state file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return &FileError{path, "is not a regular file"}
	}
	if info.Size() == 0 {
		return &FileError{path, "is empty"}
	}
	newest, ok, err := readMetas(file)
	if err != nil {
		return fmt.Errorf("reading the state file: %w", err)
	}
	if !ok {
		return &FileError{path, "is not an argus-fleet state database"}
	}
	if uint64(info.Size()) < newest.highWater*newest.pageSize {
		return &FileError{path, fmt.Sprintf("is cut short (%d of %d bytes)", info.Size(), newest.highWater*newest.pageSize)}
	}
	return nil
}

// readMetas returns the newest valid meta page. Either may be torn by a crash.
func readMetas(file io.ReaderAt) (newest meta, ok bool, err error) {
	for size := int64(0); size <= maxPageSize; size = max(size*2, minPageSize) {
		found, valid, err := readMeta(file, size)
		if err != nil {
			return meta{}, false, err
		}
		if valid && (size == 0 || found.pageSize == uint64(size)) && (!ok || found.transaction > newest.transaction) {
			newest, ok = found, true
		}
	}
	return newest, ok, nil
}

func readMeta(file io.ReaderAt, offset int64) (meta, bool, error) {
	raw := make([]byte, metaLength)
	if _, err := file.ReadAt(raw, offset+metaHeader); err != nil {
		if errors.Is(err, io.EOF) {
			return meta{}, false, nil
		}
		return meta{}, false, err
	}
	order := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(raw[:metaSummed])
	if order.Uint32(raw) != metaMagic || order.Uint32(raw[4:]) != metaVersion || order.Uint64(raw[metaSummed:]) != sum.Sum64() {
		return meta{}, false, nil
	}
	return meta{
		pageSize:    uint64(order.Uint32(raw[offPageSize:])),
		highWater:   order.Uint64(raw[offHighWater:]),
		transaction: order.Uint64(raw[offTransaction:]),
	}, true, nil
}
