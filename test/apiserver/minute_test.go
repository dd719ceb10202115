//go:build apiserver && !long

package apiserver

import "time"

// aMinutePasses by the operator's clock.
func aMinutePasses(w *world, earlier int) {
	w.Helper()
	w.setClock(time.Duration(earlier+2) * time.Minute)
}
