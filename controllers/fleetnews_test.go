package controllers

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestNewsReachThoseWhomTheyConcern(t *testing.T) {
	told := func(alter func(*fleetapi.ClusterStatus)) FleetAnswer {
		status := &fleetapi.Status{Version: "v1", Clusters: []fleetapi.ClusterStatus{
			{Identity: "one-0", Status: fleetapi.StatusUp}, {Identity: "one-two-0", Status: fleetapi.StatusUp},
		}}
		alter(&status.Clusters[0])
		return FleetAnswer{Asked: true, Status: status}
	}
	same := func(*fleetapi.ClusterStatus) {}
	type woken struct{ Fleet, Bot, Waiting, Other bool }
	for sentence, tc := range map[string]struct {
		before, now FleetAnswer
		want        woken
	}{
		"nothing new":               {told(same), told(same), woken{}},
		"the first answer":          {FleetAnswer{}, told(same), woken{true, true, true, true}},
		"a failure":                 {told(same), FleetAnswer{Asked: true, Err: errors.New("no")}, woken{true, true, true, true}},
		"the same failure":          {FleetAnswer{Asked: true, Err: errors.New("no")}, FleetAnswer{Asked: true, Err: errors.New("no")}, woken{}},
		"another failure":           {FleetAnswer{Asked: true, Err: errors.New("no")}, FleetAnswer{Asked: true, Err: errors.New("not now")}, woken{true, true, true, true}},
		"a cluster that went down":  {told(same), told(func(c *fleetapi.ClusterStatus) { c.Status = fleetapi.StatusDown }), woken{true, true, true, false}},
		"a shard more":              {told(same), told(func(c *fleetapi.ClusterStatus) { c.ShardsUp++ }), woken{true, true, true, false}},
		"guilds that wobble":        {told(same), told(func(c *fleetapi.ClusterStatus) { c.Guilds++ }), woken{true, false, true, false}},
		"values that have arrived":  {told(same), told(func(c *fleetapi.ClusterStatus) { c.ValuesAt = ptr.To(time.Now()) }), woken{true, false, true, false}},
		"a cluster instead":         {told(same), told(func(c *fleetapi.ClusterStatus) { c.Identity = "three-0" }), woken{true, true, true, false}},
		"a version":                 {told(same), FleetAnswer{Asked: true, Status: &fleetapi.Status{Version: "v2"}}, woken{true, true, true, true}},
		"a token that is taken now": {told(same), func() FleetAnswer { a := told(same); a.Tokens = accepted("0011"); return a }(), woken{Fleet: true}},
	} {
		t.Run(sentence, func(t *testing.T) {
			tc.before.sort()
			tc.now.sort()
			found := newsOf(tc.before, tc.now)
			got := woken{
				Fleet: found.concerns(Asker{}), Bot: found.concerns(Asker{Prefix: "one-"}),
				Waiting: found.concerns(Asker{Prefix: "one-", AwaitsValues: true}), Other: found.concerns(Asker{Prefix: "one-two-", AwaitsValues: true}),
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}
		})
	}
}

func accepted(fingerprint string) *fleetapi.Tokens {
	return &fleetapi.Tokens{Ingest: []fleetapi.TokenInfo{{Fingerprint: fingerprint}}}
}

// One question is enough for a minute of reads.
func TestAControlPlaneIsReadAgainWithoutBeingAskedFor(t *testing.T) {
	secrets := fake.NewClientBuilder().WithObjects(viewerSecret("old")).Build()
	plane := &controlPlane{accept: "old"}
	poller, source := newPoller(t, secrets, plane)
	poller.Answer(source, time.Millisecond, asker)
	for range 5000 {
		if len(plane.asked()) > 5 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("read %d times, want more", len(plane.asked()))
}
