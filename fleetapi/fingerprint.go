package fleetapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Surfaces of the control plane, as Fingerprint takes them.
const (
	SurfaceIngest = "ingest"
	SurfaceViewer = "viewer"
	SurfaceAdmin  = "admin"
)

const (
	fingerprintDomain = "argus-fleet/fingerprint/v1"
	fingerprintLength = 16
)

// Fingerprint names a token without revealing it: the first 16 hexadecimal
// digits of HMAC-SHA256(pepper, domain 0 surface 0 token). Who holds the pepper
// can find a token in GET /api/config; nobody can find the token by it. It is
// "" without a pepper, because an unkeyed digest could be searched.
func Fingerprint(pepper, surface, token string) string {
	if pepper == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(pepper))
	mac.Write([]byte(fingerprintDomain + "\x00" + surface + "\x00" + token))
	return hex.EncodeToString(mac.Sum(nil))[:fingerprintLength]
}
