package source

import (
	"sync"
	"time"
)

// Push keeps the values that members push. It is safe for concurrent use.
type Push struct {
	now func() time.Time

	mu      sync.Mutex
	members map[string]*pushed
}

type pushed struct {
	generation int
	window     window
	values     Values
}

// NewPush returns an empty source. The window is measured on now's monotonic reading.
func NewPush(now func() time.Time) *Push {
	return &Push{now: now, members: map[string]*pushed{}}
}

// Begin drops what an earlier process of the identity has pushed. generation
// numbers the processes of an identity and rises.
func (p *Push) Begin(identity string, generation int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(identity, generation)
}

// of is what is known of a process of an identity; the first call for it drops
// what an earlier one has pushed. It is nil once a later one has been heard.
// p.mu is held.
func (p *Push) of(identity string, generation int) *pushed {
	member := p.members[identity]
	if member == nil || member.generation < generation {
		member = &pushed{generation: generation, values: NoValues()}
		p.members[identity] = member
	}
	if member.generation > generation {
		return nil
	}
	return member
}

// Observe takes a snapshot. One of an earlier process than the last that began
// is ignored, however late it arrives.
func (p *Push) Observe(identity string, generation int, reading *Reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	member := p.of(identity, generation)
	if member == nil {
		return
	}
	now := p.now()
	member.window.observe(now, reading.counters)
	member.values = derive(reading, &member.window, now)
}

// Oversized notes that a snapshot was too large to be read: the values stay
// what they were.
func (p *Push) Oversized(identity string, generation int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if member := p.of(identity, generation); member != nil {
		member.values.Oversized = true
	}
}

// Forget drops an identity.
func (p *Push) Forget(identity string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.members, identity)
}

// Values returns the latest of an identity. Slices in it are shared: they are
// never written to.
func (p *Push) Values(identity string) Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	if member := p.members[identity]; member != nil {
		return member.values
	}
	return NoValues()
}
