package tokens

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Take returns the vault after the step of a plan; v itself stays as it is. Only Add
// needs randomness.
func (v Vault) Take(plan Plan, request Request, now time.Time, random io.Reader) (Vault, error) {
	after := v
	after.Server = maps.Clone(v.Server)
	after.Marks.Superseded = slices.Clone(v.Marks.Superseded)
	switch plan.Step {
	case StepAdd:
		if err := after.add(random); err != nil {
			return v, err
		}
		after.Marks.RotatedAt = now
		after.Marks.Rotate = request.Rotate
	case StepDrop:
		after.drop()
		if plan.Forced {
			after.Marks.Drop = request.Drop
		}
	case StepFinish:
		after.Marks.Superseded, after.Marks.Since = nil, time.Time{}
		return after, nil
	case StepAcknowledge:
		after.Marks.Drop = request.Drop
		return after, nil
	case StepNone, StepRoll:
	}
	if plan.Step != StepNone {
		after.Marks.Since = now
	}
	return after, nil
}

// add puts a new token in front of each list, and marks those behind it as superseded.
func (v *Vault) add(random io.Reader) error {
	for _, k := range kinds() {
		token, err := Generate(random)
		if err != nil {
			return fmt.Errorf("generating the %s token: %w", k.surface, err)
		}
		old := List(v.Server[k.key])
		for _, superseded := range old {
			v.Marks.Superseded = append(v.Marks.Superseded, v.fingerprint(k.surface, superseded))
		}
		v.Server[k.key] = []byte(strings.Join(append([]string{token}, old...), ","))
	}
	return nil
}

// drop takes the superseded tokens out of each list, and no other.
func (v *Vault) drop() {
	for _, k := range kinds() {
		if fresh, stale := v.parts(k); len(stale) > 0 {
			v.Server[k.key] = []byte(strings.Join(fresh, ","))
		}
	}
}
