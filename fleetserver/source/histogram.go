package source

import (
	"cmp"
	"math"
	"slices"
)

// maxBuckets bounds the distinct bounds that one snapshot may bring.
const maxBuckets = 256

// usualBuckets is how many argus-dpy has: every cluster keeps a histogram, and
// none of them unused room.
const usualBuckets = 9

// histogram holds cumulative counts by upper bound, summed over all series and
// sorted by finish.
type histogram struct {
	buckets []bucket
	// bounds spares parsing the same label in every series; nil once finished.
	bounds []boundText
	// latest is the place in bounds that was asked for last: series list their
	// bounds in one order, so the next one is mostly behind it.
	latest int
}

// boundText is the place of a bucket by its label, -1 for one to be ignored.
type boundText struct {
	le    []byte // of the body that is being read
	place int
}

type bucket struct{ bound, count float64 }

func (h *histogram) add(le []byte, count float64) {
	if count < 0 || count > maxCount {
		return
	}
	if place := h.place(le); place >= 0 {
		h.buckets[place].count += count
	}
}

// place finds or makes the bucket of a label.
func (h *histogram) place(le []byte) int {
	for i := range h.bounds {
		at := (h.latest + 1 + i) % len(h.bounds)
		if string(h.bounds[at].le) == string(le) {
			h.latest = at
			return h.bounds[at].place
		}
	}
	if h.bounds == nil {
		h.bounds, h.buckets = make([]boundText, 0, usualBuckets), make([]bucket, 0, usualBuckets)
	}
	place := -1
	if bound, ok := parseBound(string(le)); ok {
		place = slices.IndexFunc(h.buckets, func(b bucket) bool { return b.bound == bound })
		if place < 0 && len(h.buckets) < maxBuckets {
			h.buckets = append(h.buckets, bucket{bound: bound})
			place = len(h.buckets) - 1
		}
	}
	if len(h.bounds) < maxBuckets {
		h.bounds = append(h.bounds, boundText{le, place})
		h.latest = len(h.bounds) - 1
	}
	return place
}

func (h *histogram) finish() {
	h.bounds, h.latest = nil, 0
	slices.SortFunc(h.buckets, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
	// Sums over series with other bounds need not rise; a quantile needs them to.
	highest := 0.0
	for i := range h.buckets {
		highest = max(highest, h.buckets[i].count)
		h.buckets[i].count = min(highest, math.MaxFloat64)
	}
}

func (h *histogram) total() float64 {
	if len(h.buckets) == 0 {
		return 0
	}
	return h.buckets[len(h.buckets)-1].count
}

// since returns the observations made after an earlier state of the same
// histogram, and false if the earlier one is not a past of this one.
func (h *histogram) since(earlier *histogram) (histogram, bool) {
	if !h.sameBounds(earlier) || h.total() < earlier.total() {
		return histogram{}, false
	}
	delta := histogram{buckets: make([]bucket, len(h.buckets))}
	for i, now := range h.buckets {
		delta.buckets[i] = bucket{now.bound, max(now.count-earlier.buckets[i].count, 0)}
	}
	return delta, true
}

func (h *histogram) sameBounds(other *histogram) bool {
	return slices.EqualFunc(h.buckets, other.buckets, func(a, b bucket) bool { return a.bound == b.bound })
}

// quantile interpolates as Prometheus' histogram_quantile does: linearly within
// the bucket, from 0 in the first one; in the +Inf bucket it is the highest
// finite bound. It is false without observations.
func (h *histogram) quantile(q float64) (float64, bool) {
	total := h.total()
	if total <= 0 || len(h.buckets) < 2 {
		return 0, false
	}
	rank := q * total
	i := slices.IndexFunc(h.buckets, func(b bucket) bool { return b.count >= rank })
	last := len(h.buckets) - 1
	if i == last && math.IsInf(h.buckets[last].bound, 1) {
		return h.buckets[last-1].bound, true
	}
	lower, below := 0.0, 0.0
	if i > 0 {
		lower, below = h.buckets[i-1].bound, h.buckets[i-1].count
	}
	upper, count := h.buckets[i].bound, h.buckets[i].count-below
	if i == 0 && upper <= 0 || count <= 0 {
		return upper, true
	}
	return lower + (upper-lower)*(rank-below)/count, true
}
