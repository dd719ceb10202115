//go:build apiserver && long

package apiserver

import "time"

// aMinutePasses by all clocks.
func aMinutePasses(w *world, _ int) {
	w.Helper()
	time.Sleep(time.Minute)
}
