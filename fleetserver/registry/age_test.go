package registry

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// disk is what a store holds of a registry: records at once, signs of life when
// they are saved, and with a register.
type disk struct{ State }

func (d *disk) save(r *Registry) {
	seen, until := r.Unsaved()
	maps.Copy(d.LastSeen, seen)
	d.LastRun = until
	d.Records = r.State().Records
}

// join registers, and the disk takes what belongs to that.
func (d *disk) join(t *testing.T, r *Registry, identity string) {
	t.Helper()
	change := join(t, r, Registration{Identity: identity, Fleet: "asia"})
	maps.Copy(d.LastSeen, change.Seen())
	d.Records = r.State().Records
}

func (d *disk) start(c *clock) *Registry {
	r := newTest(c, func(o *Options) { o.Retention = time.Hour })
	r.Restore(d.State)
	return r
}

func newDisk() *disk { return &disk{State{LastSeen: map[string]Sign{}}} }

// ups are the identities that are up.
func ups(r *Registry) map[string]bool {
	up := map[string]bool{}
	for c := range r.All() {
		up[c.Identity] = c.Up
	}
	return up
}

// TestNoOutageCountsHoweverManyThereAre starts the control plane once a day for
// two minutes.
func TestNoOutageCountsHoweverManyThereAre(t *testing.T) {
	c, d := newClock(), newDisk()
	r := d.start(c)
	d.join(t, r, "dead")
	heard := c.at
	for day := range 20 {
		d.join(t, r, "alive")
		c.advance(2 * time.Minute)
		beat(t, r, "alive")
		c.advance(10 * time.Second)
		if _, expired := r.Sweep(); expired != nil {
			t.Fatalf("day %d: %v expired after %d minutes of on-time", day, expired, 2*day+2)
		}
		d.save(r)
		c.advance(24 * time.Hour)
		r = d.start(c)
		if diff := cmp.Diff(map[string]bool{"alive": true, "dead": false}, ups(r)); diff != "" {
			t.Fatalf("day %d: up (-want +got)\n%s", day, diff)
		}
	}
	if got, _ := find(r, "dead"); !got.LastSeen.Equal(heard) {
		t.Errorf("it was last seen %v, want %v as ever", got.LastSeen, heard)
	}
	c.advance(time.Hour - 20*130*time.Second)
	if _, expired := r.Sweep(); expired != nil {
		t.Errorf("%v expired before its retention", expired)
	}
	c.advance(time.Second)
	beat(t, r, "alive")
	if _, expired := r.Sweep(); len(expired) != 1 {
		t.Errorf("expired = %v, want the dead one after an hour of on-time", expired)
	}
}

// TestAnOlderStateIsReckonedByTheWallClockOnce restores one without on-times.
func TestAnOlderStateIsReckonedByTheWallClockOnce(t *testing.T) {
	c := newClock()
	stopped := c.at
	d := &disk{State{LastRun: Sign{At: stopped}, LastSeen: map[string]Sign{
		"alive": {At: stopped.Add(-time.Second)}, "dead": {At: stopped.Add(-50 * time.Minute)},
	}}}
	for i, identity := range []string{"alive", "dead"} {
		d.Records = append(d.Records, Record{Identity: identity, Fleet: "asia", Numbers: map[string]int{"asia": i + 1}})
	}
	for start := range 4 {
		c.advance(24 * time.Hour)
		r := d.start(c)
		if diff := cmp.Diff(map[string]bool{"alive": start == 0, "dead": false}, ups(r)); diff != "" {
			t.Errorf("start %d: up (-want +got)\n%s", start, diff)
		}
		c.advance(time.Minute)
		if _, expired := r.Sweep(); expired != nil {
			t.Errorf("start %d: %v expired", start, expired)
		}
		d.save(r)
		if got, _ := find(r, "dead"); !got.LastSeen.Equal(stopped.Add(-50 * time.Minute)) {
			t.Errorf("start %d: it was last seen %v", start, got.LastSeen)
		}
	}
	r := d.start(c)
	c.advance(6*time.Minute + time.Second)
	if _, expired := r.Sweep(); len(expired) != 1 {
		t.Errorf("expired = %v, want the dead one an hour after it was last seen", expired)
	}
}

// TestACrashMakesNobodyOlder has a register come between the last saving and
// the crash: those whose beats since then were lost are alive all the same.
func TestACrashMakesNobodyOlder(t *testing.T) {
	c, d := newClock(), newDisk()
	r := d.start(c)
	d.join(t, r, "alive")
	d.save(r)
	before := r.running()
	c.advance(4 * time.Minute)
	beat(t, r, "alive") // not saved
	d.join(t, r, "late")
	c.advance(time.Hour) // it is off
	for range 2 {
		r = d.start(c)
		if diff := cmp.Diff(map[string]bool{"alive": true, "late": true}, ups(r)); diff != "" {
			t.Errorf("up (-want +got)\n%s", diff)
		}
		if on := r.running().On; *on != *before.On+4*time.Minute {
			t.Errorf("the on-time is %s, want that of the latest sign of life", on)
		}
		c.advance(21 * time.Second)
		if diff := cmp.Diff(map[string]bool{"alive": false, "late": false}, ups(r)); diff != "" {
			t.Errorf("one TTL later: up (-want +got)\n%s", diff)
		}
	}
}

func TestABeatDuringARegisterIsTheLaterSignOfLife(t *testing.T) {
	c := newClock()
	r := newTest(c, nil)
	number(t, r, "a", "asia")
	c.advance(time.Second)
	slow, err := r.Register(t.Context(), Registration{Identity: "a", Fleet: "asia"})
	if err != nil {
		t.Fatal(err)
	}
	c.advance(30 * time.Second) // the disk takes its time
	beat(t, r, "a")
	r.Apply(slow)
	if got, _ := find(r, "a"); !got.Up || !got.LastSeen.Equal(c.at) {
		t.Errorf("up %v, last seen %v, want as of the beat at %v", got.Up, got.LastSeen, c.at)
	}
}
