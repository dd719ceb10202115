package tokens

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// actor is a member's process. It reads its Secret when the kubelet brings it, or
// never, if it is stuck.
type actor struct {
	token     string
	up, stuck bool
	// cut: it was using the old token when a person forced the drop.
	cut bool
}

// fleetModel is a control plane with its Secrets, its members and people who interfere.
type fleetModel struct {
	now     time.Time
	request Request

	// What the API server holds. version moves with each write of the server Secret.
	vault   Vault
	version int

	// What the control plane has: its lists, when each token was used last, and who
	// used which.
	lists map[string][]string
	used  map[string]time.Time
	last  map[string]string
	sight Sight

	members map[string]*actor
	// slow is what an operator has read that has not written yet.
	slow                 *Vault
	slowVersion          int
	adds, wishes, people int
}

func newFleetModel() *fleetModel {
	m := &fleetModel{
		now: noon, vault: vaultOf("first"), lists: map[string][]string{}, used: map[string]time.Time{}, last: map[string]string{},
		members: map[string]*actor{"m-0": {}, "m-1": {}, "m-2": {}},
	}
	m.vault.Marks = Marks{RotatedAt: noon}
	m.handOut(m.vault)
	m.reload()
	for _, a := range m.members {
		a.token, a.up = m.vault.Member, true
	}
	return m
}

// reload is the kubelet bringing the server Secret to the control plane.
func (m *fleetModel) reload() {
	for _, k := range kinds() {
		m.lists[k.surface] = List(m.vault.Server[k.key])
	}
}

// beat has everybody who is up send a heartbeat, half a TTL after the last one.
func (m *fleetModel) beat(t *rapid.T) {
	m.now = m.now.Add(timing.TTL / 2)
	for identity, a := range m.members {
		if !a.up {
			continue
		}
		if slices.Contains(m.lists["ingest"], a.token) {
			m.used[a.token], m.last[identity] = m.now, a.token
		} else if !a.cut {
			t.Fatalf("a heartbeat of %s was refused: it uses %s, accepted are %v, the server Secret has %s", identity, a.token, m.lists["ingest"], m.vault.Server[KeyIngest])
		}
	}
}

// ask is the operator reading the control plane.
func (m *fleetModel) ask() {
	infos := func(surface string) []fleetapi.TokenInfo {
		found := []fleetapi.TokenInfo{}
		for _, token := range m.lists[surface] {
			info := fleetapi.TokenInfo{Fingerprint: fleetapi.Fingerprint(pepper, surface, token)}
			if at, ok := m.used[token]; ok {
				age := m.now.Sub(at).Seconds()
				info.LastUsedAgeSeconds = &age
			}
			found = append(found, info)
		}
		return found
	}
	m.sight = Sight{At: m.now, Tokens: &fleetapi.Tokens{Ingest: infos("ingest"), Viewer: infos("viewer")}}
	for identity, a := range m.members {
		cluster := fleetapi.ClusterStatus{Identity: identity, Status: fleetapi.StatusDown}
		if a.up {
			cluster.Status = fleetapi.StatusUp
		}
		if token := m.last[identity]; token != "" {
			cluster.Token = fleetapi.Fingerprint(pepper, "ingest", token)
		}
		m.sight.Clusters = append(m.sight.Clusters, cluster)
	}
	m.sight.At = m.sight.At.Add(time.Millisecond)
	m.now = m.now.Add(2 * time.Millisecond)
}

// operate is a reconcile of what was read at a time. It dies after so many writes.
func (m *fleetModel) operate(t *rapid.T, read Vault, version, writes int) {
	plan := read.Plan(m.request, m.sight, timing, m.now)
	if plan.Step != StepNone {
		if writes--; writes < 0 || version != m.version {
			return // dead, or refused: somebody has written since
		}
		after, err := read.Take(plan, m.request, m.now, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		m.noteStep(t, plan)
		m.vault.Server, m.vault.Marks = after.Server, ReadMarks(after.Marks.Annotations())
		m.version++
		read.Server, read.Marks = after.Server, m.vault.Marks
	}
	member, viewer := read.Handouts(m.sight)
	if writes--; writes < 0 || version+1 < m.version {
		return
	}
	m.vault.Member = member
	if writes--; writes < 0 {
		return
	}
	m.vault.Viewer = viewer
}

func (m *fleetModel) noteStep(t *rapid.T, plan Plan) {
	switch plan.Step {
	case StepAdd:
		if m.adds++; m.adds > m.wishes {
			t.Fatalf("rotation number %d for %d wishes", m.adds, m.wishes)
		}
	case StepDrop:
		for identity, a := range m.members {
			old := !slices.Contains(List(m.vault.Server[KeyIngest]), a.token) || m.isStale(a.token)
			if plan.Forced {
				a.cut = a.cut || old
			} else if a.up && old && !a.cut {
				t.Fatalf("the token of %s was dropped under its feet", identity)
			}
		}
	case StepNone, StepRoll, StepFinish, StepAcknowledge:
	}
}

func (m *fleetModel) isStale(token string) bool {
	_, stale := m.vault.parts(ingest())
	return slices.Contains(stale, token)
}

func (m *fleetModel) handOut(v Vault) { m.vault.Member, m.vault.Viewer = v.Handouts(Sight{}) }

// follow is the kubelet bringing the member Secret to a member.
func (a *actor) follow(token string) { a.token, a.cut = token, false }

// edit is a person with kubectl, who adds a token or turns a list around, and takes
// away none.
func (m *fleetModel) edit(t *rapid.T) {
	m.people++
	server := maps.Clone(m.vault.Server)
	for _, k := range kinds() {
		list := List(server[k.key])
		added := fmt.Sprintf("%s-person-%d", k.surface, m.people)
		switch rapid.SampledFrom([]string{"in front", "behind", "turn"}).Draw(t, k.surface) {
		case "in front":
			list = append([]string{added}, list...)
		case "behind":
			list = append(list, added)
		case "turn":
			slices.Reverse(list)
		}
		server[k.key] = []byte(strings.Join(list, ","))
	}
	m.vault.Server = server
	m.version++
}

func (m *fleetModel) actions() map[string]func(*rapid.T) {
	member := func(t *rapid.T) *actor {
		return m.members[rapid.SampledFrom([]string{"m-0", "m-1", "m-2"}).Draw(t, "member")]
	}
	operate := func(t *rapid.T) { m.operate(t, m.vault, m.version, rapid.IntRange(0, 3).Draw(t, "writes")) }
	return map[string]func(*rapid.T){
		"":     m.check,
		"beat": m.beat,
		"a while": func(t *rapid.T) {
			for range 5 {
				m.beat(t)
			}
		},
		"kubelet": func(*rapid.T) { m.reload() },
		"ask":     func(*rapid.T) { m.ask() },
		"operate": operate,
		"round":   m.round,
		"read": func(*rapid.T) {
			read := m.vault
			m.slow, m.slowVersion = &read, m.version
		},
		"write what was read": func(t *rapid.T) {
			if m.slow != nil {
				m.operate(t, *m.slow, m.slowVersion, 1)
			}
			m.slow = nil
		},
		"rotate": func(*rapid.T) {
			m.wishes++
			m.request.Rotate = fmt.Sprint("r", m.wishes)
		},
		"drop": func(*rapid.T) { m.request.Drop = fmt.Sprint("d", m.people, m.wishes) },
		"edit": m.edit,
		"follow": func(t *rapid.T) {
			if a := member(t); a.up && !a.stuck {
				a.follow(m.vault.Member)
			}
		},
		"stick": func(t *rapid.T) { a := member(t); a.stuck = !a.stuck },
		"die":   func(t *rapid.T) { member(t).up = false },
		"live": func(t *rapid.T) {
			if a := member(t); !a.up {
				a.up = true
				a.follow(m.vault.Member)
			}
		},
		"restart the control plane": func(*rapid.T) {
			m.used, m.last = map[string]time.Time{}, map[string]string{}
			m.reload()
		},
	}
}

// check is what holds at any moment.
func (m *fleetModel) check(t *rapid.T) {
	for _, key := range ServerKeys() {
		if First(m.vault.Server[key]) == "" {
			t.Fatalf("the server Secret has lost %s", key)
		}
	}
	if string(m.vault.Server[KeyPepper]) != pepper+"\n" {
		t.Fatal("the pepper was changed")
	}
}

// round is what happens most of the time: everything works, and nobody is late.
func (m *fleetModel) round(t *rapid.T) {
	m.reload()
	m.ask()
	m.operate(t, m.vault, m.version, 3)
}

// finish lets everybody do their part for a while: then the rotation must be over.
func (m *fleetModel) finish(t *rapid.T) {
	m.slow = nil
	for range 200 {
		m.reload()
		for _, a := range m.members {
			a.up, a.stuck = true, false
			a.follow(m.vault.Member)
		}
		m.beat(t)
		m.round(t)
	}
	plan := m.vault.Plan(m.request, m.sight, timing, m.now)
	if !m.vault.Settled() || plan.Phase != v1alpha1.PhaseStable || plan.Step != StepNone {
		t.Fatalf("the rotation does not end: %+v, %s with marks %+v", plan, m.vault.Server[KeyIngest], m.vault.Marks)
	}
	if m.wishes > 0 && m.vault.Marks.Rotate != m.request.Rotate {
		t.Fatalf("the last wish was %q, handled %q", m.request.Rotate, m.vault.Marks.Rotate)
	}
}

// TestRotationKeepsEveryHeartbeat runs a rotation through any interleaving of crashes,
// late reads, restarts and people. No heartbeat of a living member is refused unless a
// person forces it, no wish is granted twice, and in the end there is peace.
func TestRotationKeepsEveryHeartbeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newFleetModel()
		if rapid.Bool().Draw(t, "in the midst of a rotation") {
			m.wishes, m.request.Rotate = 1, "r1"
			m.round(t)
			m.round(t)
		}
		t.Repeat(m.actions())
		m.finish(t)
	})
}
