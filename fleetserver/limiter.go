package fleetserver

import (
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxLimited bounds the addresses remembered; the least recently seen one is
// forgotten and returns with a full bucket.
const maxLimited = 10_000

// limiter is a token bucket per address: burst at once, and burst a minute. It
// is safe for concurrent use.
type limiter struct {
	burst   int
	now     func() time.Time
	buckets *lru.Cache[netip.Addr, *rate.Limiter]
}

func newLimiter(burst int, now func() time.Time) *limiter {
	buckets, err := lru.New[netip.Addr, *rate.Limiter](maxLimited)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	return &limiter{burst: burst, now: now, buckets: buckets}
}

func (l *limiter) bucket(address netip.Addr) *rate.Limiter {
	key := limitKey(address)
	fresh := rate.NewLimiter(rate.Limit(float64(l.burst)/60), l.burst)
	if former, ok, _ := l.buckets.PeekOrAdd(key, fresh); ok {
		l.buckets.Get(key) // counts as seen
		return former
	}
	return fresh
}

// allow takes a token.
func (l *limiter) allow(address netip.Addr) bool { return l.bucket(address).AllowN(l.now(), 1) }
