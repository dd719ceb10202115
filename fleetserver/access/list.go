package access

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"sync/atomic"
	"time"
)

// List is the set of tokens that open one surface. Without tokens the surface
// is open, and stays so: a token that turns up later never changes what a
// surface was at the start. It is safe for concurrent use.
type List struct {
	surface string
	// origin is any moment: uses are kept as a distance from it, which is
	// monotonic where the clock is.
	origin time.Time
	tokens atomic.Pointer[[]*token]
}

type token struct {
	text   string
	digest [sha256.Size]byte
	// lastUsed is in nanoseconds since the list's origin, 0 for never.
	lastUsed atomic.Int64
}

// NewList returns the tokens of a surface in order.
func NewList(surface string, tokens []string) *List {
	l := &List{surface: surface, origin: time.Now()}
	l.tokens.Store(&[]*token{})
	l.set(tokens)
	return l
}

// set replaces the tokens; those that stay keep their last use.
func (l *List) set(texts []string) {
	former := *l.tokens.Load()
	fresh := make([]*token, 0, len(texts))
	for _, text := range texts {
		i := slices.IndexFunc(former, func(t *token) bool { return t.text == text })
		if i >= 0 {
			fresh = append(fresh, former[i])
			continue
		}
		fresh = append(fresh, &token{text: text, digest: sha256.Sum256([]byte(text))})
	}
	l.tokens.Store(&fresh)
}

// Open reports that the surface has no token and is open to everybody.
func (l *List) Open() bool { return len(*l.tokens.Load()) == 0 }

// Accept reports whether a presented token opens the surface. It takes the
// same time whichever token it is, and whatever length was presented.
func (l *List) Accept(presented string, now time.Time) bool {
	digest := sha256.Sum256([]byte(presented))
	var match *token
	for _, t := range *l.tokens.Load() {
		if subtle.ConstantTimeCompare(t.digest[:], digest[:]) == 1 {
			match = t
		}
	}
	if match == nil {
		return false
	}
	match.lastUsed.Store(cmp.Or(now.Sub(l.origin).Nanoseconds(), 1)) // 0 would be never
	return true
}

// Use is when an accepted token last opened its surface.
type Use struct {
	Token string
	// Last is zero for never.
	Last time.Time
}

// Uses returns the tokens in order with their last use.
func (l *List) Uses() []Use {
	tokens := *l.tokens.Load()
	uses := make([]Use, 0, len(tokens))
	for _, t := range tokens {
		use := Use{Token: t.text}
		if at := t.lastUsed.Load(); at != 0 {
			use.Last = l.origin.Add(time.Duration(at))
		}
		uses = append(uses, use)
	}
	return uses
}
