package store

import (
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// Verify checks a state file that no control plane holds open: the pages, the
// schema, that no number of a fleet belongs to two identities and that no
// counter is below a number. It returns one line for each thing that is wrong;
// the error is for a file that cannot be opened.
func Verify(path string) ([]string, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	db, state, err := load(path, Options{readOnly: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var wrong []string
	err = db.View(func(tx *bolt.Tx) error {
		for damage := range tx.Check() {
			wrong = append(wrong, "page: "+damage.Error())
		}
		return nil
	})
	return append(wrong, verifyNumbers(state)...), err
}

func verifyNumbers(state registry.State) []string {
	type place struct {
		fleet  string
		number int
	}
	var wrong []string
	owners := map[place]string{}
	for _, r := range state.Records {
		if r.Number() < 1 {
			wrong = append(wrong, fmt.Sprintf("%q has no number in its fleet %q", r.Identity, r.Fleet))
		}
		for fleet, number := range r.Numbers {
			if owner, taken := owners[place{fleet, number}]; taken {
				wrong = append(wrong, fmt.Sprintf("number %d of fleet %q belongs to %q and to %q", number, fleet, owner, r.Identity))
			}
			owners[place{fleet, number}] = r.Identity
			if number > state.Counters[fleet] {
				wrong = append(wrong, fmt.Sprintf("number %d of fleet %q is above its counter %d", number, fleet, state.Counters[fleet]))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// SkipNumbers raises the counter of every fleet of a state file that no control
// plane holds open, all or none. It is for restores of an old backup: numbers
// drawn since the backup are then not given again.
func SkipNumbers(path string, count int) error {
	if err := inspect(path); err != nil {
		return err
	}
	db, state, err := load(path, Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		for fleet, highest := range state.Counters {
			if count < 0 || count > maxNumber-highest {
				return fmt.Errorf("%d more than %d for fleet %q is out of range", count, highest, fleet)
			}
			if err := raiseCounter(tx, fleet, highest+count); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("raising the counters: %w", err)
	}
	return nil
}

// Read returns what a state file that no control plane holds open contains.
func Read(path string) (registry.State, error) {
	if err := inspect(path); err != nil {
		return registry.State{}, err
	}
	db, state, err := load(path, Options{readOnly: true})
	if err != nil {
		return registry.State{}, err
	}
	return state, db.Close()
}
