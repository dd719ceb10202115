package source

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// saved is how values outlive the process. Windows do not.
type saved struct {
	Generation int              `json:"generation"`
	Metrics    fleetapi.Metrics `json:"metrics"`
	Missing    []string         `json:"missing,omitempty"`
	Shards     []fleetapi.Shard `json:"shards,omitempty"`
	At         time.Time        `json:"at"`
	Oversized  bool             `json:"oversized,omitempty"`
	Errors     float64          `json:"errors,omitempty"`
	Commands   float64          `json:"commands,omitempty"`
}

// Saved yields the values of all identities that have some, encoded, in key
// order. Each is encoded when its turn comes, so that who has no more time for
// the rest has lost none with it.
func (p *Push) Saved() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, identity := range p.identities() {
			raw := p.saved(identity)
			if raw != nil && !yield(identity, raw) {
				return
			}
		}
	}
}

func (p *Push) identities() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.members))
}

// saved is nil for an identity without values.
func (p *Push) saved(identity string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	member := p.members[identity]
	if member == nil || member.values.At.IsZero() {
		return nil
	}
	v := member.values
	raw, err := json.Marshal(saved{
		Generation: member.generation, Metrics: v.Metrics, Missing: v.Missing, Shards: v.Shards,
		At: v.At.UTC().Truncate(time.Microsecond), Oversized: v.Oversized, Errors: v.lifetime.errors, Commands: v.lifetime.commands,
	})
	if err != nil {
		return nil // values are finite numbers and texts, so that it cannot fail
	}
	return raw
}

// Load puts back what Save returned, unless it is of another process than the
// identity's present one. Values that cannot be read are none.
func (p *Push) Load(identity string, generation int, raw []byte) {
	var s saved
	if json.Unmarshal(raw, &s) != nil || s.Generation != generation {
		return
	}
	if s.Shards == nil {
		s.Shards = []fleetapi.Shard{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members[identity] = &pushed{generation: generation, values: Values{
		Metrics: s.Metrics, Missing: s.Missing, Shards: s.Shards, At: s.At, Oversized: s.Oversized,
		lifetime: pair{s.Errors, s.Commands},
	}}
}
