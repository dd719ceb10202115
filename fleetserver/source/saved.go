package source

import (
	"encoding/json"
	"fmt"
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

// Save returns the values of all identities that have some, encoded.
func (p *Push) Save() (map[string][]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	encoded := make(map[string][]byte, len(p.members))
	for identity, member := range p.members {
		v := member.values
		if v.At.IsZero() {
			continue
		}
		raw, err := json.Marshal(saved{
			Generation: member.generation, Metrics: v.Metrics, Missing: v.Missing, Shards: v.Shards,
			At: v.At.UTC().Truncate(time.Microsecond), Oversized: v.Oversized, Errors: v.lifetime.errors, Commands: v.lifetime.commands,
		})
		if err != nil {
			return nil, fmt.Errorf("encoding values: %w", err)
		}
		encoded[identity] = raw
	}
	return encoded, nil
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
