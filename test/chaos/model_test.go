package chaos

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// standing is what the control plane has acknowledged of a member.
type standing int

const (
	strange standing = iota // never registered
	registered
	left
	retired
	purged // asked to be forgotten; the test leaves it alone from then on
)

// question is a request whose reply was lost with the process, so that nobody
// knows whether it was carried out.
type question int

const (
	nothing question = iota
	toRegister
	toLeave
	toRetire
	toPurge
)

// member is one identity as the test knows it. One worker at a time has it.
type member struct {
	identity string
	standing standing
	fleet    string
	// lease is the last one that was told; "" when there is none to have.
	lease string
	// former is the lease before it.
	former string
	// open is the question that the last kill left, and asked the fleet of its register.
	open  question
	asked string
}

// numbers is what was ever told about who has which number. Nothing is ever
// taken out of it.
type numbers struct {
	mu    sync.Mutex
	owner map[place]string
	of    map[string]map[string]int
}

type place struct {
	fleet  string
	number int
}

func newNumbers() *numbers {
	return &numbers{owner: map[place]string{}, of: map[string]map[string]int{}}
}

// tell notes a number that somebody was told, and says what it contradicts.
func (n *numbers) tell(identity, fleet string, number int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if number < 1 {
		return fmt.Errorf("%s was told number %d in %s", identity, number, fleet)
	}
	if before := n.of[identity][fleet]; before != 0 && before != number {
		return fmt.Errorf("%s had number %d in %s and was now told %d", identity, before, fleet, number)
	}
	if owner := n.owner[place{fleet, number}]; owner != "" && owner != identity {
		return fmt.Errorf("number %d in %s was told to %s and now to %s", number, fleet, owner, identity)
	}
	if n.of[identity] == nil {
		n.of[identity] = map[string]int{}
	}
	n.of[identity][fleet], n.owner[place{fleet, number}] = number, identity
	return nil
}

// contradiction compares a view with what was acknowledged of the members and
// notes the numbers it shows. It returns every difference.
func contradiction(known *numbers, members []*member, shown map[string]fleetapi.Cluster) []error {
	var wrong []error
	for _, identity := range slices.Sorted(maps.Keys(shown)) {
		if err := known.tell(identity, shown[identity].Fleet, shown[identity].Number); err != nil {
			wrong = append(wrong, err)
		}
	}
	for _, m := range members {
		cluster, listed := shown[m.identity]
		if err := m.compare(cluster, listed); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", m.identity, err))
		}
	}
	return wrong
}

func (m *member) compare(cluster fleetapi.Cluster, listed bool) error {
	if err := m.compareListing(listed); err != nil || !listed {
		return err
	}
	if cluster.Fleet != m.fleet && (m.open != toRegister || cluster.Fleet != m.asked) {
		return fmt.Errorf("is in fleet %s, want %s", cluster.Fleet, m.fleet)
	}
	want := fleetapi.StatusUp
	if m.standing == left {
		want = fleetapi.StatusDown
	}
	if m.open == nothing && cluster.Status != want {
		return fmt.Errorf("is %s, want %s", cluster.Status, want)
	}
	return nil
}

// compareListing allows for the question that is open.
func (m *member) compareListing(listed bool) error {
	wasListed := m.standing == registered || m.standing == left
	mayAppear := wasListed || m.open == toRegister
	mayVanish := !wasListed || m.open == toRetire || m.open == toPurge
	switch {
	case listed && !mayAppear:
		return fmt.Errorf("is listed, after %v", m.standing)
	case !listed && !mayVanish:
		return fmt.Errorf("is not listed any more, after %v", m.standing)
	}
	return nil
}
