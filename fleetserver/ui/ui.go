// Package ui holds the built web page, whose source is in web/. The build is
// committed, so that compiling the control plane needs nothing but Go.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// AssetPrefix begins the path of every file but the index. What is under it has
// a digest in its name, so it never changes.
const AssetPrefix = "/assets/"

// indexPath is the path of the one file whose name stays while it changes.
const indexPath = "/"

// File is one file of the page, as it is sent. It is shared: do not change it.
type File struct {
	Body []byte
	// ContentType is that of the file's ending.
	ContentType string
	// ETag is strong, for the body as it is.
	ETag string
	// Immutable files may be kept for ever, the others must be asked for again.
	Immutable bool

	compressed func() []byte
}

// Compressed returns the body in gzip's format, or nil where that is no smaller.
func (f File) Compressed() []byte { return f.compressed() }

// Site is the page by path. It is safe for concurrent use.
type Site struct{ files map[string]File }

// Open reads the page that is in the binary.
func Open() (*Site, error) { return open(dist) }

func open(tree fs.FS) (*Site, error) {
	site := &Site{files: map[string]File{}}
	err := fs.WalkDir(tree, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		at := name[len("dist"):]
		if at == "/index.html" {
			at = indexPath
		}
		site.files[at] = newFile(name, body, at != indexPath)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the web page: %w", err)
	}
	if _, ok := site.files[indexPath]; !ok {
		return nil, fmt.Errorf("reading the web page: %w: dist/index.html", fs.ErrNotExist)
	}
	return site, nil
}

func newFile(name string, body []byte, immutable bool) File {
	digest := sha256.Sum256(body)
	contentType := mime.TypeByExtension(path.Ext(name))
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return File{
		Body: body, ContentType: contentType, Immutable: immutable,
		ETag:       `"` + hex.EncodeToString(digest[:8]) + `"`,
		compressed: sync.OnceValue(func() []byte { return compress(body) }),
	}
}

// compress takes its time: it happens once.
func compress(body []byte) []byte {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		panic(err) // only a level that does not exist fails
	}
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	if packed.Len() >= len(body) {
		return nil
	}
	return packed.Bytes()
}

// Index is the page itself.
func (s *Site) Index() File { return s.files[indexPath] }

// Asset returns a file by the path that the index, or another asset, names it by.
func (s *Site) Asset(at string) (File, bool) {
	file, ok := s.files[at]
	return file, ok && at != indexPath
}
