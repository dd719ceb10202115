package tokens

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"testing"
	"testing/iotest"
)

func TestGenerateServerMakesDistinctURLSafeTokens(t *testing.T) {
	data, err := GenerateServer(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, key := range ServerKeys() {
		token := string(data[key])
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(token) {
			t.Errorf("%s is not 43 URL-safe characters", key)
		}
		if other, ok := seen[token]; ok {
			t.Errorf("%s and %s are the same token", key, other)
		}
		seen[token] = key
	}
}

func TestGenerateFailsWithoutEnoughRandomness(t *testing.T) {
	if _, err := Generate(bytes.NewReader(make([]byte, tokenBytes-1))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short source: got %v, want an unexpected EOF", err)
	}
	broken := errors.New("broken")
	if _, err := GenerateServer(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("broken source: got %v, want it wrapped", err)
	}
}

func TestFirst(t *testing.T) {
	for sentence, tc := range map[string]struct{ list, want string }{
		"a single token":              {"one", "one"},
		"the newest of two":           {"new,old", "new"},
		"white space is not a token":  {" , new ,old\n", "new"},
		"a trailing newline is not":   {"one\n", "one"},
		"an empty list has none":      {"", ""},
		"separators alone make none":  {" , ,", ""},
		"an inner space is the token": {"a b", "a b"},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := First([]byte(tc.list)); got != tc.want {
				t.Errorf("First(%q) = %q, want %q", tc.list, got, tc.want)
			}
		})
	}
}
