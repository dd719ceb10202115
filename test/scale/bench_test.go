//go:build scale

package scale

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/measure"
)

var (
	many = flag.Int("bots", 1000, "bots of the large run")
	few  = flag.Int("gated", 50, "bots of the run in which the control plane opens the gate")
	// What else the machine's host does weighs on one run and not on the next.
	rounds = flag.Int("rounds", 2, "how often the operator and the plain client take turns")
)

const (
	// farOff from a target fails the run: the machine's other work makes half of that.
	farOff = 1.5
	// what was promised of size and time.
	memoryTarget = 250e6
	ratioTarget  = 1.5
)

// TestScale measures the operator against a client that makes the same objects without one.
func TestScale(t *testing.T) {
	b := &bench{}
	defer b.report(t)
	t.Run("operator", b.operator)
	t.Run("plain client", b.plain)
	for range *rounds - 1 {
		t.Run("operator again", b.operatorAgain)
		t.Run("plain client again", b.plain)
	}
	b.compare(t)
	t.Run("gate Fleet", b.gated)
}

// bench is what has been measured.
type bench struct {
	table measure.Table
	// operated is what it took until all bots were Ready, and plainly what the same took
	// without an operator, over all rounds; record is what the operator had made.
	operated, plainly span
	record            [][]client.Object
}

// span is how long something took, and what the machine did meanwhile.
type span struct {
	took    time.Duration
	machine measure.Machine
}

// note measures what happens, and adds it to a sum.
func (b *bench) note(t *testing.T, what string, sum *span, happens func()) {
	t.Helper()
	before, err := measure.ReadMachine()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	happens()
	took := time.Since(begun)
	after, err := measure.ReadMachine()
	if err != nil {
		t.Fatal(err)
	}
	used := after.Since(before)
	t.Logf("%s: %.1f s, %.1f s of processors, %.1f s stolen", what, took.Seconds(), used.Busy.Seconds(), used.Stolen.Seconds())
	b.table.Note(b.many()+what, took.Seconds(), "s")
	b.table.Note(b.many()+what+", all processor time", used.Busy.Seconds(), "s")
	sum.took += took
	sum.machine.Busy += used.Busy
	sum.machine.Stolen += used.Stolen
}

// compare the rounds of both.
func (b *bench) compare(t *testing.T) {
	t.Helper()
	if t.Failed() || b.operated.took == 0 || b.plainly.took == 0 {
		return // one of them lacks a round
	}
	b.table.AtMost(b.many()+"with the operator, of the plain client's time", b.operated.took.Seconds()/b.plainly.took.Seconds(), ratioTarget, "x")
	b.table.Note(b.many()+"with the operator, of the plain client's processor time", b.operated.machine.Busy.Seconds()/b.plainly.machine.Busy.Seconds(), "x")
	b.table.Note(b.many()+"processor time that the host withheld from the operator's rounds", b.operated.machine.Stolen.Seconds(), "s")
	b.table.Note(b.many()+"processor time that the host withheld from the plain client's rounds", b.plainly.machine.Stolen.Seconds(), "s")
}

func (b *bench) many() string { return fmt.Sprintf("%d bots x %d clusters: ", *many, clusters) }

func (b *bench) report(t *testing.T) {
	t.Helper()
	b.table.Print(os.Stdout)
	for _, far := range b.table.FarOff(farOff) {
		t.Error(far)
	}
}

func (b *bench) operator(t *testing.T) {
	p := newStage(t).open()
	begun := time.Now()
	b.enter(p)
	p.settle()
	b.record = p.record(p.bots)
	b.effort(p, begun)
	took, written := p.restartQuietly()
	t.Logf("restart: every bot was looked at after %s; writes: %q", took, writes(written))
	b.table.AtMost(b.many()+"restart, until every bot was looked at", took.Seconds(), restartTarget.Seconds(), "s")
	total := 0
	for _, count := range written {
		total += count
	}
	b.table.AtMost(b.many()+"restart, writes", float64(total), 0, "")
	if total > 0 {
		t.Errorf("the operator wrote after a restart: %s\n%s", writes(written), p.told(p.operator.since))
	}
	took = p.restartOverChange()
	b.table.AtMost(b.many()+"restart, until statuses that were no longer true are", took.Seconds(), restartTarget.Seconds(), "s")
	b.memory(p, "after the restart")
}

func (b *bench) enter(p *play) {
	p.Helper()
	b.note(p.T, "with the operator, until all are Ready", &b.operated, func() { p.enter(*many, v1alpha1.GateReady) })
}

func (b *bench) operatorAgain(t *testing.T) { b.enter(newStage(t).open()) }

// effort tells what it has cost the operator to come so far.
func (b *bench) effort(p *play, since time.Time) {
	p.Helper()
	b.memory(p, "while all start")
	cpu, err := p.operator.usage().CPU()
	p.must(err)
	b.table.Note(b.many()+"processor time of the operator", cpu.Seconds(), "s")
	per := func(what, family string, labels map[string]string) {
		sum, err := p.operator.sum(p.ctx, family, labels)
		p.must(err)
		b.table.Note(b.many()+what+" for each bot", sum/float64(*many), "")
	}
	per("reconciles", "controller_runtime_reconcile_total", map[string]string{"controller": "argusbot"})
	per("reads of the API server", "rest_client_requests_total", map[string]string{"method": "GET"})
	writes := 0
	for what, count := range p.written(since) {
		writes += count
		p.Logf("%6d x %s", count, what)
	}
	b.table.Note(b.many()+"writes for each bot", float64(writes)/float64(*many), "")
}

func (b *bench) memory(p *play, when string) {
	p.Helper()
	highest, err := p.operator.usage().Highest()
	p.must(err)
	p.Logf("%.0f MB %s", highest/1e6, when)
	b.table.AtMost(b.many()+"highest memory of the operator "+when, highest/1e6, memoryTarget/1e6, "MB")
}

func (b *bench) plain(t *testing.T) {
	if b.record == nil {
		t.Fatal("the operator has made nothing that a plain client could make: run TestScale/operator before it")
	}
	s := newStage(t)
	eye := s.watch(s.newCrowd(s.newPlane()))
	b.note(t, "a plain client, until the same Deployments are available", &b.plainly, func() {
		s.create(b.record)
		eye.available(longest, *many*clusters)
	})
}

func (b *bench) gated(t *testing.T) {
	p := newStage(t).open()
	took := p.enter(*few, v1alpha1.GateFleet)
	begun := time.Now()
	p.settle()
	what := fmt.Sprintf("%d bots x %d clusters, gate Fleet: ", *few, clusters)
	b.table.Note(what+"until all are Ready", took.Seconds(), "s")
	b.table.Note(what+"until every rollout is complete, after that", time.Since(begun).Seconds(), "s")
}
