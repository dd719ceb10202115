package fleetserver

import (
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

// TestAMemberThatStallsHoldsUpNeitherTheSavingNorTheStop has a member with a
// credential begin a heartbeat and fall silent, and the control plane stop.
func TestAMemberThatStallsHoldsUpNeitherTheSavingNorTheStop(t *testing.T) {
	const drain, soon = 4 * time.Second, 3 * time.Second
	config := configOf(t)
	r := startRunning(t, config, func(s *Server) { s.drainTimeout = drain })
	r.join("a", "asia")
	joined := r.view().Fleets[0].Clusters[0].LastSeen
	if got := r.beat("a", "", ""); got.status != 204 { // no lease, so nothing is written at once
		t.Fatalf("%d %s", got.status, got.body)
	}
	stalled := r.dial()
	stalled.say(post, fleetapi.PathHeartbeat, tokens["ingest"], 1000, `{"identity": "a"`)
	for r.server.inFlight.used.Load() == 0 { // it is being read
		time.Sleep(time.Millisecond)
	}
	stopping := time.Now()
	r.stop()
	for {
		state, err := store.Read(crashed(t, config).StatePath)
		saved := err == nil && state.LastSeen["a"].At.After(joined) && state.LastRun.On != nil
		if took := time.Since(stopping); saved && took < soon {
			break
		} else if took > soon {
			t.Fatalf("what is known is not saved while a client stalls: %v %+v", err, state)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(stopping); took > bodyDeadline-2*time.Second {
		t.Errorf("the stop took %s, about as long as the member is given for its body", took)
	}
	if !stalled.ended(time.Second) {
		t.Error("the stalled connection is open still")
	}
}

func TestValuesHaveTheTimeThatIsLeftOfAStop(t *testing.T) {
	for name, tc := range map[string]struct{ before, want time.Duration }{
		"it has just begun":                     {0, valuesPatience},
		"signs of life were quickly saved":      {300 * time.Millisecond, valuesPatience},
		"a large fleet's took their time":       {650 * time.Millisecond, 250 * time.Millisecond},
		"a client stalled, or the disk is slow": {5 * time.Second, leastValuesPatience},
	} {
		begun := time.Now()
		if got := patienceForValues(begun, begun.Add(tc.before)); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	if got := patienceForValues(time.Time{}, time.Now()); got != valuesPatience {
		t.Errorf("closed without a stop: %s, want %s", got, valuesPatience)
	}
}
