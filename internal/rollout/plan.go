// Package rollout decides which clusters of a bot may be started or restarted now.
// It is pure: it sees what was read and returns what to do.
package rollout

import (
	"time"
)

// Step is one cluster and what writing it would do.
type Step struct {
	// Key of the cluster in the ledger, and the shards that it runs.
	Key    string
	Shards Range
	// Exists: its Deployment stands. Updated: as desired. Drifted: it was as desired,
	// and somebody has changed it by hand.
	Exists, Updated, Drifted bool
	// Stopped: no Deployment asks for a pod.
	Stopped bool
	// Untouchable: it is left alone, and nothing else is known but whether it may be Down.
	Untouchable, Down bool
	// Starts: writing the Deployment starts a container.
	Starts bool
	// Available: its pod runs and is ready, of the template that the Deployment has
	// now. Done: it also works, as the gate asks. Proven: it has worked at this revision.
	Available, Done, Proven bool
	// Pods that stand, those that are going away included.
	Pods int
	// Replacing: one of them is going away, or the Deployment has yet to replace it.
	Replacing bool
	// Looping and Protected: its container starts again and again; crash-loop
	// protection has stopped it.
	Looping, Protected bool
	// Since is when the Deployment was last written, and Patience how long it may
	// take from then on to be done.
	Since    time.Time
	Patience time.Duration
}

// Plan is all that a decision looks at.
type Plan struct {
	Now   time.Time
	Steps []Step
	// MaxUnavailable clusters that may be down because of a change, at least 1.
	MaxUnavailable int
	// Hibernate stops every cluster. Frozen starts no change, and heals.
	Hibernate, Frozen bool
	// Protect stops clusters in a crash loop before the token is spent.
	Protect bool
	Budget  Budget
}

// Decision is what is to be done now, and what it waits for.
type Decision struct {
	// Write lists the indexes of clusters whose Deployment is to be written, in this
	// order. Start is the subset of them whose start is to be debited first.
	Write, Start []int
	// Stop lists the clusters to stop; Protect those of them that are in a crash loop.
	Stop, Protect []int
	// Failed is the index of the cluster that took too long, or -1.
	Failed int
	// Impossible is the index of a cluster with more shards than a day can start, or -1.
	Impossible int
	// BudgetUntil is when the next start fits into the budget; zero if none waits for it.
	BudgetUntil time.Time
	// Wake is when to look again, for what no watch reports; zero for never.
	Wake time.Time
}

// Undecided is to do nothing.
func Undecided() Decision { return Decision{Failed: -1, Impossible: -1} }

// Decide says what may be written now.
//
// What was changed by hand is put right at once. Of the rest, clusters that do not
// work anyway come first, then cluster 0 as the canary, then the others. Until one
// cluster is done at the new revision, one at a time is changed; then as many as
// may be unavailable. Nothing starts that the budget of session starts cannot bear,
// or while an old pod of the same cluster stands.
func Decide(plan *Plan) Decision {
	d := Undecided()
	if plan.Hibernate {
		for i := range plan.Steps {
			if plan.Steps[i].Exists && !plan.Steps[i].Stopped {
				d.Stop = append(d.Stop, i)
			}
		}
		return d
	}
	plan.protect(&d)
	plan.judge(&d)
	plan.heal(&d)
	if plan.Frozen || d.Failed >= 0 {
		return d
	}
	plan.advance(&d)
	return d
}

// protect stops the clusters that are a danger to the token, and those that were to be
// stopped as such and still, or again, ask for pods.
func (p *Plan) protect(d *Decision) {
	d.Protect = p.Endangered()
	d.Stop = append(d.Stop, d.Protect...)
	for i := range p.Steps {
		if step := &p.Steps[i]; step.Protected && step.Exists && !step.Stopped {
			d.Stop = append(d.Stop, i)
		}
	}
}

// Endangered lists every cluster in a crash loop once what they could start next would
// come too near to the limit.
func (p *Plan) Endangered() []int {
	var looping []int
	shards := 0
	for i := range p.Steps {
		step := &p.Steps[i]
		if step.Looping && !step.Stopped && !step.Protected {
			looping, shards = append(looping, i), shards+step.Shards.Count
		}
	}
	if p.Protect && len(looping) > 0 && p.Budget.Ledger.Used(p.Now)+shards > p.Budget.danger() {
		return looping
	}
	return nil
}

// judge finds a cluster that has taken too long, and says when the next one would have.
func (p *Plan) judge(d *Decision) {
	for i := range p.Steps {
		step := &p.Steps[i]
		if !p.progressing(step) {
			continue
		}
		if over := step.Since.Add(step.Patience); p.Now.Before(over) {
			d.wake(over)
		} else if d.Failed < 0 {
			d.Failed = i
		}
	}
}

// progressing tells of a cluster that was started as desired and has not worked yet.
func (p *Plan) progressing(step *Step) bool {
	return step.Exists && step.Updated && !step.Stopped && !step.Done && !step.Proven && !step.Protected
}

// heal writes what was changed by hand.
func (p *Plan) heal(d *Decision) {
	for i := range p.Steps {
		if p.Steps[i].Drifted && !p.Steps[i].Protected {
			p.start(d, i, true)
		}
	}
}

// advance goes on with the change.
func (p *Plan) advance(d *Decision) {
	slots := p.slots(d)
	for _, class := range [][]int{p.waiting(false), p.waiting(true)} {
		for _, i := range class {
			working := p.Steps[i].Available
			if slots.repair <= 0 || (working && slots.change <= 0) {
				return
			}
			if !p.start(d, i, !working) {
				return
			}
			slots.repair--
			slots.change--
		}
	}
}

// room is how many clusters may be started: of those that do not work anyway, and
// of those that do.
type room struct{ repair, change int }

func (p *Plan) slots(d *Decision) room {
	progressing, down, proven := len(d.Start), 0, false
	for i := range p.Steps {
		step := &p.Steps[i]
		switch {
		case p.progressing(step):
			progressing++
		case step.Untouchable && !step.Down, step.Protected, step.Drifted:
		case step.Updated && step.Done:
			proven = true
		case !step.Available || step.Updated:
			down, proven = down+1, proven || (step.Updated && step.Proven)
		}
	}
	width := max(p.MaxUnavailable, 1)
	if !proven {
		width = 1 // the canary
	}
	return room{repair: width - progressing, change: width - progressing - down}
}

// waiting lists the clusters that are not as desired: those that work, or those that
// do not, by index.
func (p *Plan) waiting(working bool) []int {
	var list []int
	for i := range p.Steps {
		step := &p.Steps[i]
		outdated := !step.Exists || !step.Updated || step.Stopped
		if outdated && !step.Untouchable && !step.Drifted && !step.Protected && step.Available == working {
			list = append(list, i)
		}
	}
	return list
}

// start adds a cluster to what is written, unless something holds it back.
func (p *Plan) start(d *Decision, i int, repair bool) bool {
	step := &p.Steps[i]
	if step.Exists && !step.Starts {
		d.Write = append(d.Write, i)
		return true
	}
	// The pod of a Deployment that stands and asks for one is its own to replace. But one
	// that goes back to what it was while that very pod leaves starts it again at once.
	if step.Pods > 0 && (!step.Exists || step.Stopped || step.Replacing) {
		return false // a watch tells when they are gone
	}
	if p.Budget.Impossible(step.Shards.Count) {
		if d.Impossible < 0 {
			d.Impossible = i
		}
		return false
	}
	if !p.affordable(d, i, repair) {
		return false
	}
	if until := p.bucketsFree(d, i); !until.IsZero() {
		d.wake(until)
		return false
	}
	d.Write, d.Start = append(d.Write, i), append(d.Start, i)
	return true
}

// affordable tells whether the budget bears a start, and says until when it does not.
func (p *Plan) affordable(d *Decision, i int, repair bool) bool {
	shards := p.Steps[i].Shards.Count
	until := p.Budget.wait(p.Now, shards, p.cost(i)-shards+p.promised(d), repair)
	if until.IsZero() {
		return true
	}
	if d.BudgetUntil.IsZero() || until.Before(d.BudgetUntil) {
		d.BudgetUntil = until
	}
	d.wake(until)
	return false
}

// cost of a start beyond what was debited for it already.
func (p *Plan) cost(i int) int {
	return p.Steps[i].Shards.Count - p.Budget.Ledger.prepaid(p.Now, p.Steps[i].Key)
}

// promised is what the starts of this decision cost so far.
func (p *Plan) promised(d *Decision) int {
	shards := 0
	for _, i := range d.Start {
		shards += p.cost(i)
	}
	return shards
}

// bucketsFree looks at the starts that have been made and at those of this decision.
func (p *Plan) bucketsFree(d *Decision, i int) time.Time {
	step := &p.Steps[i]
	free := p.Budget.bucketsFree(p.Now, step.Key, step.Shards)
	for _, other := range d.Start {
		if span := p.Budget.startSpan(p.Steps[other].Shards, step.Shards); span > 0 && p.Now.Add(span).After(free) {
			free = p.Now.Add(span)
		}
	}
	return free
}

// wake has the caller look again at the earliest of all times given.
func (d *Decision) wake(at time.Time) {
	if d.Wake.IsZero() || at.Before(d.Wake) {
		d.Wake = at
	}
}
