package main

import "testing"

func TestCollectorPercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 400, 4 << 20: 400, 24 << 20: 100, 48 << 20: 50, 200 << 20: 30, 240 << 20: 63,
		400 << 20: 100, 600 << 20: 100, 900 << 20: 44, 1200 << 20: 15, 2 << 30: 15,
	} {
		if got := collectorPercent(live); got != want {
			t.Errorf("%d MiB live: %d %%, want %d", live>>20, got, want)
		}
	}
}
