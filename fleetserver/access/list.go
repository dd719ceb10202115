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
	// name tells a token for those who must not see it.
	name func(token string) string
	// origin is any moment: uses are kept as a distance from it, which is
	// monotonic where the clock is.
	origin time.Time
	tokens atomic.Pointer[[]*token]
}

type token struct {
	text   string
	name   string
	digest [sha256.Size]byte
	// lastUsed is in nanoseconds since the list's origin, 0 for never.
	lastUsed atomic.Int64
}

// NewList returns the tokens of a surface in order. name tells one for those who must
// not see it.
func NewList(surface string, tokens []string, name func(token string) string) *List {
	l := &List{surface: surface, name: name, origin: time.Now()}
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
		fresh = append(fresh, &token{text: text, name: l.name(text), digest: sha256.Sum256([]byte(text))})
	}
	l.tokens.Store(&fresh)
}

// Open reports that the surface has no token and is open to everybody.
func (l *List) Open() bool { return len(*l.tokens.Load()) == 0 }

// Accept reports whether a presented token opens the surface.
func (l *List) Accept(presented string, now time.Time) bool {
	_, ok := l.Match(presented, now)
	return ok
}

// Match is Accept and tells the name of the token. It takes the same time whichever
// token it is, and whatever length was presented.
func (l *List) Match(presented string, now time.Time) (name string, ok bool) {
	digest := sha256.Sum256([]byte(presented))
	var match *token
	for _, t := range *l.tokens.Load() {
		if subtle.ConstantTimeCompare(t.digest[:], digest[:]) == 1 {
			match = t
		}
	}
	if match == nil {
		return "", false
	}
	match.lastUsed.Store(cmp.Or(now.Sub(l.origin).Nanoseconds(), 1)) // 0 would be never
	return match.name, true
}

// Use is when an accepted token last opened its surface.
type Use struct {
	Token string
	// Name tells it for those who must not see it.
	Name string
	// Last is zero for never.
	Last time.Time
}

// Uses returns the tokens in order with their last use.
func (l *List) Uses() []Use {
	tokens := *l.tokens.Load()
	uses := make([]Use, 0, len(tokens))
	for _, t := range tokens {
		use := Use{Token: t.text, Name: t.name}
		if at := t.lastUsed.Load(); at != 0 {
			use.Last = l.origin.Add(time.Duration(at))
		}
		uses = append(uses, use)
	}
	return uses
}
