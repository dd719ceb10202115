package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// signText is a sign of life as it is stored.
func signText(sign registry.Sign) []byte {
	text := sign.At.UTC().AppendFormat(nil, time.RFC3339Nano)
	if sign.On == nil {
		return text
	}
	return strconv.AppendInt(append(text, ' '), sign.On.Microseconds(), 10)
}

// parseSign reads what signText has written, also without an on-time.
func parseSign(raw []byte) (registry.Sign, error) {
	wall, on, kept := strings.Cut(string(raw), " ")
	at, err := time.Parse(time.RFC3339Nano, wall)
	if err != nil {
		return registry.Sign{}, fmt.Errorf("reading a sign of life: %w", err)
	}
	sign := registry.Sign{At: at}
	// One that cannot be read, or that no control plane reaches, counts as none.
	if micros, err := strconv.ParseInt(on, 10, 64); kept && err == nil && micros > -maxOnTime && micros < maxOnTime {
		sign.On = new(time.Duration(micros) * time.Microsecond)
	}
	return sign, nil
}

// maxOnTime is a century, in microseconds: sums of two do not overflow.
const maxOnTime = 100 * 366 * 24 * 3600 * 1_000_000
