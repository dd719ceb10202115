package fleetserver

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/argus-dev/argus-operator/fleetserver/ui"
)

// pathAssets stands for every path of the page's files: a label of a metric must
// not change with each build.
const pathAssets = ui.AssetPrefix + "*"

// pageFile is a file of the web page. It holds no data, so anybody may keep it.
type pageFile struct{ ui.File }

func (f pageFile) writeTo(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if f.Immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
		vary := []string{"Accept-Encoding"}
		if slices.Contains(header.Values("Vary"), "Origin") { // as crossOrigin says
			vary = append(vary, "Origin")
		}
		header["Vary"] = vary
	}
	header.Set("Content-Type", f.ContentType)
	body := f.Body
	if packed := f.Compressed(); packed != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		body = packed
	}
	header.Set("ETag", f.ETag)
	if etagMatches(r.Header.Get("If-None-Match"), f.ETag) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	sendAll(w, body)
}

// page is the same for everybody: what it shows it asks the API for.
func (s *Server) page(context.Context, Caller, none) (pageFile, error) {
	return pageFile{s.site.Index()}, nil
}

func assetPath(r *http.Request) (string, error) { return r.URL.Path, nil }

func (s *Server) asset(_ context.Context, _ Caller, at string) (pageFile, error) {
	file, ok := s.site.Asset(at)
	if !ok {
		return pageFile{}, errNotFound
	}
	return pageFile{file}, nil
}
