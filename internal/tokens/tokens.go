// Package tokens makes the secrets of a control plane. It is pure: randomness
// comes from the caller.
package tokens

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// Keys of the Secrets that hold a control plane's tokens.
const (
	// KeyIngest, KeyViewer and KeyAdmin hold lists "new,old" in the server Secret.
	KeyIngest = "ingest-token"
	KeyViewer = "viewer-token"
	KeyAdmin  = "admin-token"
	// KeyPepper keys the digests of leases. It is never rotated.
	KeyPepper = "secret-pepper"
	// KeyToken is the only key of the member and viewer Secrets.
	KeyToken = "token"
)

// bits of a generated token, in bytes: 256.
const tokenBytes = 32

// Generate returns a new token: 256 random bits as 43 URL-safe characters.
func Generate(random io.Reader) (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// GenerateServer returns the data of a new server Secret, a token for each key.
func GenerateServer(random io.Reader) (map[string][]byte, error) {
	data := make(map[string][]byte, len(ServerKeys()))
	for _, key := range ServerKeys() {
		token, err := Generate(random)
		if err != nil {
			return nil, err
		}
		data[key] = []byte(token)
	}
	return data, nil
}

// ServerKeys lists the keys that a server Secret must hold.
func ServerKeys() []string { return []string{KeyIngest, KeyViewer, KeyAdmin, KeyPepper} }

// First returns the first token of a list "new,old", trimmed: the one to present.
// It is "" for a list without a token.
func First(list []byte) string {
	for token := range strings.SplitSeq(string(list), ",") {
		if token = strings.TrimSpace(token); token != "" {
			return token
		}
	}
	return ""
}
