package registry

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

const leaseBytes = 32

// Digest returns the stored form of a lease: lower-case hexadecimal
// HMAC-SHA256(pepper, secret), 64 characters, as argus-dpy stores it. It is ""
// for the empty secret, which therefore never matches.
func Digest(pepper []byte, secret string) string {
	if secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(secret))
	return hex.EncodeToString(mac.Sum(nil))
}

// newLease returns 32 random bytes as 43 URL-safe characters.
func newLease() string {
	secret := make([]byte, leaseBytes)
	_, _ = rand.Read(secret) // never fails: the runtime ends the process instead
	return base64.RawURLEncoding.EncodeToString(secret)
}

// holding says how a presented lease stands to an identity.
type holding int

const (
	holdsNothing holding = iota
	// holdsConfirmed is the last lease that was presented and accepted.
	holdsConfirmed
	// holdsPending is the last lease that was issued.
	holdsPending
)

func (r Record) holding(digest string) holding {
	switch {
	case sameDigest(r.Pending, digest):
		return holdsPending
	case sameDigest(r.Confirmed, digest):
		return holdsConfirmed
	}
	return holdsNothing
}

// current reports whether the holding is the newest lease. While a lease is
// pending the confirmed one opens nothing but a register.
func (r Record) current(h holding) bool {
	return h == holdsPending || (h == holdsConfirmed && r.Pending == "")
}

// claimed reports whether a digest is what the pending lease was issued for,
// and nobody has proven to hold one since. It is then the same process again,
// whose reply got lost, or one that has as good a claim.
func (r Record) claimed(digest string) bool {
	return r.Confirmed == "" && subtle.ConstantTimeCompare([]byte(r.Claim), []byte(digest)) == 1
}

func (r Record) leased() bool { return r.Pending != "" || r.Confirmed != "" }

func sameDigest(stored, presented string) bool {
	return stored != "" && subtle.ConstantTimeCompare([]byte(stored), []byte(presented)) == 1
}
