package rollout

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// window over which Discord counts the session starts of a token.
	window = 24 * time.Hour
	// loopStarts within loopSpan, none of which led anywhere, are a crash loop.
	loopStarts = 3
	loopSpan   = 15 * time.Minute
	// quickRestarts is how many restarts a kubelet makes before its back-off is at its
	// highest, which is one restart in slowRestart.
	quickRestarts = 6
	slowRestart   = 5 * time.Minute
	// sameStart is how soon after its debit a start is still the same one.
	sameStart = time.Minute
)

// Ledger is what one Discord token has spent of its daily session starts
// (IDENTIFY), as far as the operator started or saw them. The clusters of all bots
// with the same token share one. A start counts for a little longer than it does
// with Discord: until its whole hour is a day old.
type Ledger struct {
	// Spent session starts by hour: Unix time divided by 3600.
	Spent map[int64]int `json:"spent,omitempty"`
	// Clusters by a key of the caller's, such as "mybot/0".
	Clusters map[string]Entry `json:"clusters,omitempty"`
	// SeenAt is the Unix time of the last change, in seconds.
	SeenAt int64 `json:"seenAt,omitempty"`
}

// Entry is what was last seen of one cluster.
type Entry struct {
	// PodUID and Restarts tell which container starts have been paid for.
	PodUID   string `json:"podUID,omitempty"`
	Restarts int    `json:"restarts,omitempty"`
	// PodAt is when that pod was created, in Unix seconds.
	PodAt int64 `json:"podAt,omitempty"`
	// Prepaid: a start was debited whose container has not been seen yet.
	Prepaid bool `json:"prepaid,omitempty"`
	// StartedAt is when a start was last debited or seen, in Unix seconds.
	StartedAt int64 `json:"startedAt,omitempty"`
	// Shards of that start.
	Shards Range `json:"shards"`
	// Starts are the last container starts, since the cluster last came to work again
	// after more than one; the newest last, at most three, in Unix seconds.
	Starts []int64 `json:"starts,omitempty"`
	// Returns are the last container starts that nobody asked the operator for, whether or
	// not they led to work; the newest last, at most three, in Unix seconds.
	Returns []int64 `json:"returns,omitempty"`
	// Revision that the operator started last: a loop is one of that.
	Revision string `json:"revision,omitempty"`
	// Stopped: crash-loop protection has stopped the cluster, for this revision of it.
	Stopped string `json:"stopped,omitempty"`
	// Proven is the revision at which the cluster came to work last.
	Proven string `json:"proven,omitempty"`
}

// Range is the gateway shards First to First+Count-1.
type Range struct {
	First int `json:"first"`
	Count int `json:"count"`
}

// Pod is one pod of a cluster, as its status tells.
type Pod struct {
	UID       string
	CreatedAt time.Time
	// Started: its container has started at least once. Restarts is how often again.
	Started  bool
	Restarts int
	// StartedAt is when its container started last; zero if that is not known.
	StartedAt time.Time
	// Looping: the kubelet holds the container back because it keeps failing.
	Looping bool
}

// ParseLedger reads what String wrote. An empty text is an empty ledger.
func ParseLedger(text string) (*Ledger, error) {
	ledger := &Ledger{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), ledger); err != nil {
			return nil, fmt.Errorf("reading the ledger of session starts: %w", err)
		}
	}
	if ledger.Spent == nil {
		ledger.Spent = map[int64]int{}
	}
	if ledger.Clusters == nil {
		ledger.Clusters = map[string]Entry{}
	}
	return ledger, nil
}

// String is the ledger as it is kept. Equal ledgers have equal texts.
func (l *Ledger) String() string {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // maps of numbers and strings can always be encoded
	}
	return string(text)
}

// Used is how many session starts count against the limit now.
func (l *Ledger) Used(now time.Time) int {
	used := 0
	for hour, spent := range l.Spent {
		if counts(hour, now) {
			used += spent
		}
	}
	return used
}

// counts tells whether an hour's starts still count: not all of it is a day old.
func counts(hour int64, now time.Time) bool { return freedAt(hour).After(now) }

func freedAt(hour int64) time.Time { return time.Unix((hour+1)*3600, 0).Add(window) }

// FreeAt is when at least n of the starts that count now no longer will; zero when
// there are not so many.
func (l *Ledger) FreeAt(now time.Time, n int) time.Time {
	for _, hour := range slices.Sorted(maps.Keys(l.Spent)) {
		if !counts(hour, now) {
			continue
		}
		if n -= l.Spent[hour]; n <= 0 {
			return freedAt(hour)
		}
	}
	return time.Time{}
}

// Start debits the start of a cluster that the operator is about to make. A start
// that was debited and has not happened is not debited twice. What is started has to
// show anew that it works, and another revision is no part of an earlier one's loop.
func (l *Ledger) Start(now time.Time, key, revision string, shards Range) {
	entry := l.Clusters[key]
	if entry.Revision != revision {
		entry.Revision, entry.Starts, entry.Returns = revision, nil, nil
	}
	if entry.Prepaid && entry.Shards == shards && entry.Stopped == "" && now.Sub(time.Unix(entry.StartedAt, 0)) < sameStart {
		return // an operator that died after the debit: the next one need not write it again
	}
	l.refund(&entry)
	l.debit(now, shards.Count)
	entry.Prepaid, entry.StartedAt, entry.Shards, entry.Stopped, entry.Proven = true, now.Unix(), shards, "", ""
	l.put(now, key, entry)
}

// prepaid is how many of the starts that count now are one of this cluster's that
// has not happened yet.
func (l *Ledger) prepaid(now time.Time, key string) int {
	if entry := l.Clusters[key]; entry.Prepaid && counts(entry.StartedAt/3600, now) {
		return entry.Shards.Count
	}
	return 0
}

// refund takes back the debit of a start that has not happened when it was expected:
// it is debited when it does.
func (l *Ledger) refund(entry *Entry) {
	hour := entry.StartedAt / 3600
	if spent := l.Spent[hour]; entry.Prepaid && spent > 0 {
		l.Spent[hour] = max(spent-entry.Shards.Count, 0)
	}
	entry.Prepaid = false
}

// Observe debits the container starts that the pods of a cluster show and that have
// not been paid for. absent is how long nobody may have looked, for the first look
// after that.
func (l *Ledger) Observe(now time.Time, key string, shards Range, pods []Pod, absent time.Duration) {
	entry, before := l.Clusters[key], l.Clusters[key]
	pods = slices.SortedFunc(slices.Values(pods), func(a, b Pod) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, pod := range pods {
		starts := entry.unpaid(pod)
		if missed := missedStarts(absent); starts > 0 && pod.Looping && pod.UID != entry.PodUID {
			starts = max(starts, missed)
		}
		if starts == 0 {
			continue
		}
		if pod.longAgo(now) && pod.UID != entry.PodUID {
			entry.see(now, pod, 0, 0) // of a ledger that is younger than the pod
			continue
		}
		asked := 0
		if entry.Prepaid {
			asked = 1
		}
		l.refund(&entry)
		l.debit(now, starts*shards.Count)
		entry.see(now, pod, starts, asked)
		entry.Shards = shards
	}
	if !entry.equal(before) {
		l.put(now, key, entry)
	}
}

// Prove notes that a cluster works at a revision. A cluster that just goes on working
// changes nothing, and its one start is not worth a write.
func (l *Ledger) Prove(now time.Time, key, revision string) {
	entry := l.Clusters[key]
	if entry.Proven == revision && len(entry.Starts) < 2 {
		return
	}
	entry.Proven, entry.Starts = revision, nil
	l.put(now, key, entry)
}

// Proven tells whether a cluster has worked at the revision.
func (l *Ledger) Proven(key, revision string) bool {
	return revision != "" && l.Clusters[key].Proven == revision
}

// unpaid is how many container starts of a pod have not been paid for. Pods older
// than the newest one seen have been.
func (e *Entry) unpaid(pod Pod) int {
	switch {
	case !pod.Started:
		return 0
	case pod.UID == e.PodUID:
		return max(pod.Restarts-e.Restarts, 0)
	case pod.CreatedAt.Unix() < e.PodAt:
		return 0
	}
	return pod.Restarts + 1
}

// longAgo tells of a pod none of whose starts count any more.
func (p *Pod) longAgo(now time.Time) bool {
	return !p.StartedAt.IsZero() && !counts(p.StartedAt.Unix()/3600, now)
}

// see notes container starts, of which the operator was asked for some.
func (e *Entry) see(now time.Time, pod Pod, starts, asked int) {
	e.PodUID, e.Restarts, e.PodAt = pod.UID, pod.Restarts, pod.CreatedAt.Unix()
	at := now
	if !pod.StartedAt.IsZero() && pod.StartedAt.Before(now) {
		at = pod.StartedAt
	}
	e.StartedAt = at.Unix()
	e.Starts = lastOf(e.Starts, at, starts)
	e.Returns = lastOf(e.Returns, at, starts-asked)
}

// lastOf adds a time, so many times, to a list that keeps as many as make a loop.
func lastOf(list []int64, at time.Time, times int) []int64 {
	list = slices.Clone(list)
	for range min(times, loopStarts) {
		list = append(list, at.Unix())
	}
	return list[max(len(list)-loopStarts, 0):]
}

func (e *Entry) equal(other Entry) bool {
	return e.PodUID == other.PodUID && e.Restarts == other.Restarts && e.PodAt == other.PodAt &&
		e.Prepaid == other.Prepaid && e.StartedAt == other.StartedAt && e.Shards == other.Shards &&
		e.Revision == other.Revision && e.Stopped == other.Stopped && e.Proven == other.Proven && slices.Equal(e.Starts, other.Starts) && slices.Equal(e.Returns, other.Returns)
}

// missedStarts is the most that a looping container can have started while nobody
// looked.
func missedStarts(absent time.Duration) int {
	if absent <= 0 {
		return 0
	}
	return quickRestarts + int(min(absent, window)/slowRestart)
}

// Looping tells of a cluster whose container has started three times within 15
// minutes without coming to work; and of one that comes to work each time, but that
// would spend a limit of session starts in a day if it went on as it did last.
func (l *Ledger) Looping(now time.Time, key string, limit int) bool {
	entry := l.Clusters[key]
	if n := len(entry.Starts); n == loopStarts && spanOf(entry.Starts) <= loopSpan && now.Sub(time.Unix(entry.Starts[n-1], 0)) <= loopSpan {
		return true
	}
	if len(entry.Returns) < loopStarts {
		return false
	}
	span, quiet := spanOf(entry.Returns), now.Sub(time.Unix(entry.Returns[loopStarts-1], 0))
	if quiet > max(span, loopSpan) {
		return false // it has come to rest
	}
	// Between three starts lie two intervals.
	return float64((loopStarts-1)*entry.Shards.Count)*window.Seconds() > float64(limit)*span.Seconds()
}

func spanOf(starts []int64) time.Duration {
	return time.Duration(starts[len(starts)-1]-starts[0]) * time.Second
}

// Stop notes that crash-loop protection has stopped a cluster, for as long as its
// revision stays what it is.
func (l *Ledger) Stop(now time.Time, key, revision string) {
	entry := l.Clusters[key]
	l.refund(&entry)
	entry.Stopped = revision
	l.put(now, key, entry)
}

// Stopped tells whether crash-loop protection has stopped the cluster at this revision.
func (l *Ledger) Stopped(key, revision string) bool {
	return revision != "" && l.Clusters[key].Stopped == revision
}

// Resume takes the stop back, and forgets the loop.
func (l *Ledger) Resume(now time.Time, key string) {
	entry := l.Clusters[key]
	entry.Stopped, entry.Starts, entry.Returns = "", nil, nil
	l.put(now, key, entry)
}

// Keep drops what is known of clusters that are no longer there, once their starts no
// longer count.
func (l *Ledger) Keep(now time.Time, there func(key string) bool) {
	old := now.Add(-window).Unix()
	maps.DeleteFunc(l.Clusters, func(key string, e Entry) bool { return e.StartedAt < old && !there(key) })
}

func (l *Ledger) debit(now time.Time, n int) {
	if n > 0 {
		l.Spent[now.Unix()/3600] += n
	}
}

// put stores an entry and drops what no longer counts.
func (l *Ledger) put(now time.Time, key string, entry Entry) {
	l.Clusters[key], l.SeenAt = entry, now.Unix()
	maps.DeleteFunc(l.Spent, func(hour int64, _ int) bool { return !counts(hour, now) })
	old := now.Add(-window).Unix()
	maps.DeleteFunc(l.Clusters, func(other string, e Entry) bool {
		return other != key && e.StartedAt < old && !e.Prepaid && e.Stopped == "" && e.PodUID == ""
	})
}
