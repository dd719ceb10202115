package member

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// parting runs a member until the script before its end is over, and then
// lets it leave.
func parting(t *testing.T, config Config, before int, script ...reply) (*plane, *logLines, State) {
	t.Helper()
	j, logs := &journal{}, &logLines{}
	p := newPlane(t, j, script...)
	config.URL = p.server.URL
	m := run(t, config, Options{Logger: logs.logger()}, j, func(int) bool { return len(p.recorded()) >= before })
	m.leaveTimeout = 100 * time.Millisecond
	started := time.Now()
	m.Leave(context.Background())
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("leaving took %s", took)
	}
	m.Leave(context.Background()) // once more does nothing
	return p, logs, m.State()
}

func TestLeaving(t *testing.T) {
	for name, tc := range map[string]struct {
		before int // calls before the end
		script []reply
		leaves bool
		log    string
	}{
		"a registered member says goodbye":                  {2, []reply{registered(3), status(204), status(204)}, true, "left the fleet"},
		"also when its last beat failed":                    {2, []reply{registered(3), status(503), status(204)}, true, "left the fleet"},
		"one that never got in has nothing to leave":        {1, []reply{status(503)}, false, ""},
		"one that was forgotten has left already":           {2, []reply{registered(3), status(404)}, false, ""},
		"one whose identity is another's leaves that alone": {2, []reply{registered(3), status(409)}, false, ""},
		"an original control plane issues no lease to us":   {2, []reply{{status: 200, body: map[string]any{"number": 1}}, status(204)}, false, ""},
		"a refusal is no trouble":                           {2, []reply{registered(3), status(204), status(409)}, true, "class=conflict"},
		"nor one that knows no such path":                   {2, []reply{registered(3), status(204), status(404)}, true, "class=unknown"},
		"nor one that hangs":                                {2, []reply{registered(3), status(204), {hang: true}}, true, "class=timeout"},
		"nor one that goes away":                            {2, []reply{registered(3), status(204), {cut: true}}, true, "class=unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			p, logs, state := parting(t, Config{Identity: identityA0, Token: func() (string, error) { return "secret", nil }}, tc.before, tc.script...)
			var got []call
			for _, c := range p.recorded() {
				if c.Path == fleetapi.PathLeave {
					got = append(got, c)
				}
			}
			var want []call
			if tc.leaves {
				want = []call{{fleetapi.PathLeave, "Bearer secret", map[string]any{"identity": identityA0, "lease": "lease-3"}}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("goodbyes (-want +got):\n%s", diff)
			}
			if state.Registered && tc.leaves {
				t.Error("it still calls itself registered")
			}
			if all := strings.Join(logs.all(), ""); !strings.Contains(all, tc.log) || strings.Contains(all, "lease-3") {
				t.Errorf("log, want %q:\n%s", tc.log, all)
			}
		})
	}
}

func TestLeavingWithoutAFleet(t *testing.T) {
	m := New(Config{}, Options{})
	m.Leave(t.Context())
	if m.State().Registered {
		t.Error("registered with nobody")
	}
}
