package registry

import (
	"maps"
	"time"
	"unique"
)

// Record is the durable part of one identity. The store writes it as JSON.
type Record struct {
	Identity string `json:"identity"`
	Fleet    string `json:"fleet"`
	// Numbers holds the number of this identity in every fleet it has been in.
	// A number is never given to another identity, so moving back restores it.
	Numbers map[string]int `json:"numbers"`

	FirstSeen     time.Time `json:"first_seen"`
	RegisteredAt  time.Time `json:"registered_at,omitzero"`
	Registrations int       `json:"registrations"`
	Version       string    `json:"version,omitempty"`
	ScrapeTarget  string    `json:"scrape_target,omitempty"`

	// Confirmed is the digest of the last lease that was presented and
	// accepted, Pending that of the last one issued since.
	Confirmed string `json:"confirmed,omitempty"`
	Pending   string `json:"pending,omitempty"`
	// Claim is the digest of what the process presented that the pending lease
	// was issued to, "" for nothing; it tells while no lease is confirmed.
	Claim string `json:"claim,omitempty"`

	// Left means that the member said goodbye; Retired that the identity is
	// kept only for its numbers, since RetiredAt.
	Left      bool      `json:"left,omitempty"`
	Retired   bool      `json:"retired,omitempty"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
}

// Number is the number in the current fleet.
func (r Record) Number() int { return r.Numbers[r.Fleet] }

// common returns the one copy of a text that many records hold. It costs each of
// them no object that the garbage collector has to look at.
func common(text string) string { return unique.Make(text).Value() }

func (r Record) clone() Record {
	r.Numbers = maps.Clone(r.Numbers)
	return r
}

// State is everything that outlives the process.
type State struct {
	Records []Record
	// LastSeen holds the last sign of life by identity.
	LastSeen map[string]Sign
	// Counters holds the highest number ever drawn by fleet.
	Counters map[string]int
	// LastRun is when the control plane is last known to have run: up to then
	// every sign of life is in LastSeen.
	LastRun Sign
}

// Kind says what a Change does.
type Kind int

// Kinds of Change.
const (
	Registered Kind = iota
	// Confirmed makes the pending lease the confirmed one.
	Confirmed
	Left
	Retired
	// Purged forgets the record; its numbers stay drawn.
	Purged
	LeaseReset
	// Resaved changes nothing: it pays what ApplyOwed has left open.
	Resaved
	// Forgotten drops a retired identity that there is no room for; its numbers
	// stay drawn.
	Forgotten
)

// Change is a drafted change of one identity, to be made durable and then
// applied or aborted.
type Change struct {
	Kind   Kind
	Record Record
	// Fleet and Drawn are the counter that the change moves; Drawn is 0 if none.
	Fleet string
	Drawn int
	// Lease is the secret to hand to the member, for Registered only.
	Lease string
	// New reports that the identity was not in the fleet before, and MovedFrom
	// names the fleet it came from, if it came from another.
	New       bool
	MovedFrom string

	at    time.Time
	on    time.Duration
	token string
	done  chan struct{}
}

// Seen is the sign of life that the change is, by identity, or nil. It belongs
// onto the disk with the change: a cluster that registers right before a crash
// must not be as old afterwards as it was when it was heard before that.
func (c *Change) Seen() map[string]Sign {
	if c.Kind != Registered && c.Kind != Confirmed {
		return nil
	}
	return map[string]Sign{c.Record.Identity: {At: wall(c.at), On: new(c.on)}}
}
