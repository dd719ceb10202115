package ui

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// TestThePageIsWhole: what the index and its parts name is there, is named by a
// digest, and nothing is there that nobody names.
func TestThePageIsWhole(t *testing.T) {
	site, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if got := site.Index(); got.Immutable || got.ContentType != "text/html; charset=utf-8" {
		t.Errorf("the index: %q, immutable %v", got.ContentType, got.Immutable)
	}
	var everything strings.Builder
	for _, file := range site.files {
		everything.Write(file.Body)
	}
	hashed := regexp.MustCompile(`^/assets/[a-z]+-[\w-]{8}\.(js|css|svg)$`)
	for path, file := range site.files {
		if path == indexPath {
			continue
		}
		if !hashed.MatchString(path) || !file.Immutable {
			t.Errorf("%s: immutable %v", path, file.Immutable)
		}
		if name := path[len(AssetPrefix):]; !strings.Contains(everything.String(), name) {
			t.Errorf("nothing names %s", path)
		}
	}
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(site.Index().Body, -1) {
		if _, ok := site.Asset(string(found[1])); !ok {
			t.Errorf("the index names %s, which is not there", found[1])
		}
	}
}

// TestTheIndexNeedsNoInlineScript: the policy forbids one.
func TestTheIndexNeedsNoInlineScript(t *testing.T) {
	site, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`<style|style=|<script>|\son\w+=|https?://`).Find(site.Index().Body); found != nil {
		t.Errorf("the index holds %s", found)
	}
}

// maxScript is how much script the page may have, in gzip.
const maxScript = 120_000

func TestScriptsStaySmall(t *testing.T) {
	site, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for path, file := range site.files {
		if strings.HasSuffix(path, ".js") {
			size += len(file.Compressed())
		}
	}
	if size < 10_000 || size > maxScript {
		t.Errorf("%d bytes of script in gzip, want at most %d", size, maxScript)
	}
}

func TestOpen(t *testing.T) {
	long := strings.Repeat("body { color: red } ", 100)
	site, err := open(fstest.MapFS{
		"dist/index.html":     {Data: []byte("<!doctype html>")},
		"dist/assets/a.css":   {Data: []byte(long)},
		"dist/assets/b.weird": {Data: []byte("x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	css, ok := site.Asset("/assets/a.css")
	if !ok || css.ContentType != "text/css; charset=utf-8" || string(css.Body) != long {
		t.Errorf("the style sheet: %v %q", ok, css.ContentType)
	}
	r, err := gzip.NewReader(bytes.NewReader(css.Compressed()))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r); err != nil || string(body) != long {
		t.Errorf("unpacked: %q, %v", body, err)
	}
	if b, _ := site.Asset("/assets/b.weird"); b.ContentType != "application/octet-stream" || b.Compressed() != nil {
		t.Errorf("an odd file: %q, %d bytes packed", b.ContentType, len(b.Compressed()))
	}
	if css.ETag == site.Index().ETag {
		t.Error("two files with one ETag")
	}
}

func TestWhatIsNoAsset(t *testing.T) {
	site, err := open(fstest.MapFS{"dist/index.html": {}, "dist/assets/a.css": {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/index.html", "/assets/", "/assets/c.css", "/assets/../index.html"} {
		if _, ok := site.Asset(path); ok {
			t.Errorf("%s is an asset", path)
		}
	}
}

func TestAPageWithoutIndexIsRefused(t *testing.T) {
	if _, err := open(fstest.MapFS{"dist/a.css": {}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
