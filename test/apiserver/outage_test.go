//go:build apiserver && !long

package apiserver

import "time"

// outage is how long the API server is away.
const outage = 12 * time.Second
