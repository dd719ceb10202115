package main

import "math"

// wave swings between -1 and 1.
type wave struct {
	period float64 // seconds
	phase  float64 // radians
}

func (w wave) at(seconds float64) float64 {
	return math.Sin(2*math.Pi*seconds/w.period + w.phase)
}

// flow counts events whose rate swings around a mean. It is the integral of
// rate*(1 + depth*wave), so the count at any moment is known without having
// counted, and it never falls, because depth is below 1.
type flow struct {
	rate  float64 // events a second, on average
	depth float64 // 0 <= depth < 1
	wave  wave
}

func (f flow) at(seconds float64) float64 {
	angular := 2 * math.Pi / f.wave.period
	swing := (math.Cos(f.wave.phase) - math.Cos(angular*seconds+f.wave.phase)) / angular
	return f.rate * (seconds + f.depth*swing)
}
