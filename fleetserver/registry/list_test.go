package registry

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestALongLookLetsHeartbeatsThrough beats whenever a look at all clusters takes
// the time of its next part: under the lock that would wait for ever.
func TestALongLookLetsHeartbeatsThrough(t *testing.T) {
	const parts = 3
	for name, look := range map[string]func(r *Registry){
		"to list them": func(r *Registry) {
			for range r.All() {
				continue
			}
		},
		"to see who went down": func(r *Registry) { r.Sweep() },
		"to save them":         func(r *Registry) { r.Unsaved() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			between := func() {}
			r := newTest(c, func(o *Options) {
				o.MaxClusters = parts * atOnce
				o.Now = func() time.Time { between(); return c.at }
			})
			for i := range parts * atOnce {
				number(t, r, fmt.Sprint("bot-", i), "asia")
			}
			beats := 0
			var inside sync.Mutex
			between = func() {
				if !inside.TryLock() {
					return // the beat itself asks for the time
				}
				defer inside.Unlock()
				done := make(chan error, 1)
				go func() {
					_, err := r.Heartbeat("bot-0", "", Sender{})
					done <- err
				}()
				select {
				case err := <-done:
					if err == nil {
						beats++
					}
				case <-time.After(10 * time.Second):
					t.Fatal("a heartbeat waits for the look to end")
				}
			}
			look(r)
			if beats < parts {
				t.Errorf("%d beats came through, want one before each of %d parts", beats, parts)
			}
		})
	}
}

// TestALookWhileTheFleetMoves has clusters arrive, move and go in the middle of it.
func TestALookWhileTheFleetMoves(t *testing.T) {
	r := newTest(newClock(), func(o *Options) { o.MaxClusters = 4 * atOnce })
	for i := range 2 * atOnce {
		number(t, r, fmt.Sprint("bot-", i), "asia")
	}
	seen := 0
	for c := range r.All() {
		if seen++; seen == 1 {
			retire(t, r, "bot-1")                        // in the part that is told already
			retire(t, r, fmt.Sprint("bot-", 2*atOnce-1)) // in the next one
			number(t, r, fmt.Sprint("bot-", 2*atOnce-2), "europe")
			number(t, r, "newcomer", "asia")
		}
		if c.Fleet != "asia" || c.Number != seen {
			t.Fatalf("cluster %d is %s in %s with number %d: it is no list by number any more", seen, c.Identity, c.Fleet, c.Number)
		}
	}
	if seen != 2*atOnce-1 {
		t.Errorf("%d clusters were told, want all but the one that went before its turn", seen)
	}
	fleets := map[string]int{}
	for c := range r.All() {
		fleets[c.Fleet]++
	}
	if fleets["asia"] != 2*atOnce-2 || fleets["europe"] != 1 {
		t.Errorf("the next look tells of %v", fleets)
	}
}

// TestLooksBesideChanges is for the race detector, and wants every look to be sorted.
func TestLooksBesideChanges(t *testing.T) {
	r := newTest(newClock(), func(o *Options) { o.MaxClusters = 4 * atOnce })
	for i := range 2 * atOnce {
		number(t, r, fmt.Sprint("bot-", i), "asia")
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 200 {
			number(t, r, fmt.Sprint("bot-", i), fmt.Sprint("fleet-", i%7))
			retire(t, r, fmt.Sprint("bot-", 300+i))
		}
	}()
	for going := true; going; {
		select {
		case <-ended:
			going = false
		default:
		}
		clusters := slices.Collect(r.All())
		if !slices.IsSortedFunc(clusters, func(a, b Cluster) int { return cmp.Or(cmp.Compare(a.Fleet, b.Fleet), cmp.Compare(a.Number, b.Number)) }) {
			t.Fatal("not by fleet and number")
		}
		r.Sweep()
	}
	if got := len(slices.Collect(r.All())); got != 2*atOnce-200 {
		t.Errorf("%d are listed in the end, want %d", got, 2*atOnce-200)
	}
}
