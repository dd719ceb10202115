package rollout

import "time"

const (
	// lastTenth of the limit is left alone by everything that the operator starts.
	lastTenth = 10
	// reserveShare of the limit is kept for clusters that fail, as one in so many.
	reserveShare = 5
	// bucketPause is Discord's pause between two session starts of one bucket.
	bucketPause = 5 * time.Second
)

// Budget is what a token may still spend.
type Budget struct {
	// Limit of session starts in a day, and how many of them Discord lets happen at once.
	Limit, MaxConcurrency int
	// Largest is the number of shards of the bot's largest cluster.
	Largest int
	// Ledger tells what has been spent.
	Ledger *Ledger
}

// Reserve is what an ordinary change must leave: a fifth of the limit, or what the
// largest cluster leaves where that is less.
func (b *Budget) Reserve() int { return max(0, min(b.Limit/reserveShare, b.Limit-b.Largest)) }

// danger is the number of starts from which on crash loops are stopped.
func (b *Budget) danger() int { return b.Limit - b.Limit/lastTenth }

// Impossible tells of a number of shards that no day can start at once.
func (b *Budget) Impossible(shards int) bool { return shards > b.Limit }

// wait is when a start of so many shards may be made, or zero for at once; promised
// has not been debited yet. A repair is that of a cluster which does not work anyway:
// the reserve is there for it.
func (b *Budget) wait(now time.Time, shards, promised int, repair bool) time.Time {
	ceiling := b.Limit - b.Reserve()
	if repair {
		ceiling = b.danger()
	}
	// What is too large for the line may start when little else has been spent.
	ceiling = max(ceiling, min(shards, b.Limit))
	over := b.Ledger.Used(now) + promised + shards - ceiling
	if over <= 0 {
		return time.Time{}
	}
	if at := b.Ledger.FreeAt(now, over); !at.IsZero() {
		return at
	}
	return now.Add(window)
}

// bucketsFree is when the session starts of a cluster would meet no other's, or
// zero for now. A shard belongs to the bucket of its number modulo MaxConcurrency,
// and each bucket starts one session in five seconds.
func (b *Budget) bucketsFree(now time.Time, key string, shards Range) time.Time {
	var free time.Time
	for other, entry := range b.Ledger.Clusters {
		if other == key || entry.StartedAt == 0 {
			continue
		}
		if at := time.Unix(entry.StartedAt, 0).Add(b.startSpan(entry.Shards, shards)); at.After(now) && at.After(free) {
			free = at
		}
	}
	return free
}

// startSpan is how long the starts of a cluster keep a bucket busy that another one needs.
func (b *Budget) startSpan(running, waiting Range) time.Duration {
	concurrency := max(b.MaxConcurrency, 1)
	needed := map[int]bool{}
	for i := range min(waiting.Count, concurrency) {
		needed[(waiting.First+i)%concurrency] = true
	}
	rounds := map[int]int{}
	longest := 0
	for i := range running.Count {
		bucket := (running.First + i) % concurrency
		if needed[bucket] {
			rounds[bucket]++
			longest = max(longest, rounds[bucket])
		}
	}
	return time.Duration(longest) * bucketPause
}

// StartTime is how long Discord takes at least to let all shards of a cluster in.
func StartTime(shards, maxConcurrency int) time.Duration {
	concurrency := max(maxConcurrency, 1)
	return time.Duration((shards+concurrency-1)/concurrency) * bucketPause
}
