package source

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/access"
)

// files are what a test's source reads instead of a disk's.
type files struct {
	mu      sync.Mutex
	content map[string]string
}

func (f *files) read(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if content, ok := f.content[name]; ok {
		return []byte(content), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f *files) write(name, content string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.content[name] = content
}

func (s *scripted) authorization() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headers[len(s.headers)-1].Get("Authorization")
}

func TestTheTokenIsSentAndItsFileFollowed(t *testing.T) {
	disk := &files{content: map[string]string{"/token": " one\n"}}
	p := poll(t, func(o *PrometheusOptions) {
		o.Token, o.ReadFile = access.Secret{Value: "of the start", File: "/token"}, disk.read
	})
	for _, step := range []struct{ content, want, log string }{
		{" one\n", "Bearer one", ""},
		{"two", "Bearer two", ""},
		{" \n", "Bearer two", "is empty"}, // not asked at all
		{"three", "Bearer three", "answers again"},
	} {
		disk.write("/token", step.content)
		p.later(10 * time.Second)
		p.settle(t)
		if got := p.server.authorization(); got != step.want {
			t.Errorf("with %q in the file it sent %q, want %q", step.content, got, step.want)
		}
		if lines := p.log.lines(); strings.Join(lines, "") != "" != (step.log != "") || !strings.Contains(strings.Join(lines, ""), step.log) {
			t.Errorf("log %q, want %q", lines, step.log)
		}
	}
	disk.mu.Lock()
	delete(disk.content, "/token")
	disk.mu.Unlock()
	p.later(time.Second)
	if lines := strings.Join(p.log.lines(), ""); !strings.Contains(lines, "reading the token") {
		t.Errorf("log %q without the file", lines)
	}
}

func TestATokenWithoutAFileAndNone(t *testing.T) {
	for name, tc := range map[string]struct{ token, want string }{
		"a token":  {"fixed", "Bearer fixed"},
		"no token": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := poll(t, func(o *PrometheusOptions) { o.Token.Value = tc.token })
			p.Latest()
			if got := p.server.authorization(); got != tc.want {
				t.Errorf("it sent %q, want %q", got, tc.want)
			}
		})
	}
}

func TestATokenIsNeverLogged(t *testing.T) {
	p := poll(t, func(o *PrometheusOptions) { o.Token.Value = "s3cret\nX-Evil: 1" })
	p.Latest()
	lines := p.log.lines()
	if len(lines) != 1 || strings.Contains(lines[0], "s3cret") {
		t.Errorf("log %q, want one line without the token", lines)
	}
	if got := p.server.rounds(); got != 0 {
		t.Error("a token of two lines was sent")
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %v", r.Header)
	}))
	defer elsewhere.Close()
	from := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer from.Close()
	p := poll(t, func(o *PrometheusOptions) { o.URL, o.Token.Value = from.URL, "fixed" })
	p.Latest()
	if lines := p.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "status 307") {
		t.Errorf("log %q", lines)
	}
}

func TestTheCAFileIsTrustedAndFollowed(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, vector(of("a", "", 1)))
	}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	right := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	wrong := otherCA(t)
	disk := &files{content: map[string]string{"/ca.crt": wrong}}
	p := poll(t, func(o *PrometheusOptions) { o.URL, o.CAFile, o.ReadFile = secure.URL, "/ca.crt", disk.read })
	for _, step := range []struct {
		name, content string
		guilds        float64
	}{
		{"another authority's", wrong, 0},
		{"its own", right, 1},
		{"rubbish, so the last good one stays", "rubbish", 1},
		{"another authority's again", wrong, 0},
		{"both", wrong + right, 1},
	} {
		disk.write("/ca.crt", step.content)
		p.later(10 * time.Second)
		p.settle(t)
		if got := p.Latest()("a").Metrics.Guilds; got != step.guilds {
			t.Errorf("with %s: guilds %v, want %v; log %q", step.name, got, step.guilds, p.log.lines())
		}
	}
}

// otherCA is the PEM of a certificate that has signed nothing of this test's.
func otherCA(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}))
}

func TestWhatCannotWorkIsRefusedAtTheStart(t *testing.T) {
	disk := &files{content: map[string]string{"/rubbish": "rubbish"}}
	for name, tc := range map[string]struct {
		options PrometheusOptions
		says    string
	}{
		"no URL":                          {PrometheusOptions{URL: ""}, "must be http"},
		"a URL without a scheme":          {PrometheusOptions{URL: "prom:9090"}, "must be http"},
		"another scheme":                  {PrometheusOptions{URL: "file:///etc/passwd"}, "must be http"},
		"no host":                         {PrometheusOptions{URL: "http://:9090"}, "must be http"},
		"a path only":                     {PrometheusOptions{URL: "/x"}, "must be http"},
		"a password in the URL":           {PrometheusOptions{URL: "http://u:s3cret@prom"}, "must be http"},
		"a URL that cannot be read":       {PrometheusOptions{URL: "http://u:s3cret@prom:x"}, "must be http"},
		"a CA file that does not exist":   {PrometheusOptions{URL: "https://prom", CAFile: "/none", ReadFile: disk.read}, "/none"},
		"a CA file without a certificate": {PrometheusOptions{URL: "https://prom", CAFile: "/rubbish", ReadFile: disk.read}, "no PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewPrometheus(tc.options)
			if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want one that says %q", err, tc.says)
			}
		})
	}
	p, err := NewPrometheus(PrometheusOptions{URL: "http://prom"})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if p.options.timeout != 10*time.Second || p.options.patience != 2*time.Second {
		t.Errorf("limits %s and %s", p.options.timeout, p.options.patience)
	}
}

func TestAReplyIsBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		bound int64
		want  error
	}{"within": {5, nil}, "one too many": {4, errReplyTooLarge}} {
		t.Run(name, func(t *testing.T) {
			content, err := io.ReadAll(&boundedBody{io.NopCloser(strings.NewReader("12345")), tc.bound})
			if !errors.Is(err, tc.want) || err == nil && string(content) != "12345" {
				t.Errorf("%q, %v; want %v", content, err, tc.want)
			}
		})
	}
}
