package fleetserver

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestThePageAndItsFiles: open to everybody, the files for ever, the index never
// without asking.
func TestThePageAndItsFiles(t *testing.T) {
	p := newPlane(t)
	index := p.ask(get, "/", "", "")
	if index.status != 200 || index.header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("the index: %d %v", index.status, index.header)
	}
	script := regexp.MustCompile(`src="(/assets/[^"]+\.js)"`).FindStringSubmatch(index.body)
	if script == nil {
		t.Fatalf("no script in %s", index.body)
	}
	plain := p.ask(get, script[1], "", "")
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding",
	} {
		if got := plain.header.Get(name); plain.status != 200 || got != want {
			t.Errorf("%s: %d, %s is %q, want %q", script[1], plain.status, name, got, want)
		}
	}
	shared := newPlane(t, "ARGUS_FLEET_CORS_ORIGINS", "https://status.example").ask(get, script[1], "", "")
	if diff := cmp.Diff([]string{"Accept-Encoding", "Origin"}, shared.header.Values("Vary")); diff != "" {
		t.Errorf("what it varies by where other origins are allowed (-want +got)\n%s", diff)
	}
	packed := p.ask(get, script[1], "", "", "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(bytes.NewReader([]byte(packed.body)))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r); err != nil || string(body) != plain.body {
		t.Errorf("in gzip it is another one: %d bytes, %v", len(body), err)
	}
}

func TestWhatThePageAnswers(t *testing.T) {
	p := newPlane(t)
	etag := p.ask(get, "/", "", "").header.Get("ETag")
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		status       int
	}{
		"the index is there already":             {get, "/", []string{"If-None-Match", etag}, 304},
		"another index is there":                 {get, "/", []string{"If-None-Match", `"other"`}, 200},
		"the index by HEAD":                      {"HEAD", "/", nil, 200},
		"the index under its name":               {get, "/index.html", nil, 401},
		"a file that is not there":               {get, "/assets/old-12345678.js", nil, 404},
		"the folder":                             {get, "/assets/", nil, 404},
		"the pattern":                            {get, "/assets/*", nil, 404},
		"out of the folder":                      {get, "/assets/../index.html", nil, 404},
		"a file by POST":                         {post, "/assets/old-12345678.js", nil, 405},
		"a token in the address changes nothing": {get, "/?token=wrong", nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.ask(tc.method, tc.path, "", "", tc.headers...); got.status != tc.status {
				t.Errorf("%s %s: %d, want %d", tc.method, tc.path, got.status, tc.status)
			}
		})
	}
}
